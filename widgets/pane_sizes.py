"""How the panes share the screen: shares that fit any terminal, remembered as plain values. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

PARTS = 100_000
"""A whole, in fractions of the stylesheet."""


class Border(StrEnum):
    """The borders that can be moved."""

    TABLE = "table"
    """Between the table and what is below it."""
    EVENTS = "events"
    """Between the events and the log."""


@dataclass(frozen=True, slots=True)
class PaneSizes:
    """What the operator wants; None is what comes by itself."""

    table: float | None = None
    """Share of the height; by itself the table is as high as its rows ask for."""
    events: float | None = None
    """Share of what events and log have together, beside or above each other."""

    def moved_to(self, border: Border, share: float) -> PaneSizes:
        """With this share for what is before `border`."""
        return replace(self, table=share) if border is Border.TABLE else replace(self, events=share)

    def to_choices(self) -> dict[str, float | None]:
        """Plain values to remember it by."""
        return {Border.TABLE.value: self.table, Border.EVENTS.value: self.events}


def sizes_from_choices(choices: object) -> PaneSizes:
    """The sizes of such values; whatever makes no sense in them comes by itself."""
    if not isinstance(choices, Mapping):
        return PaneSizes()
    return PaneSizes(_read_share(choices.get(Border.TABLE.value)), _read_share(choices.get(Border.EVENTS.value)))


def _read_share(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0.0 < value < 1.0 else None


def fractions(share: float) -> tuple[str, str]:
    """The stylesheet's sizes for both sides of a border, so that cells taken as a share come back as those cells."""
    parts = min(PARTS - 1, max(1, math.ceil(share * PARTS)))
    return f"{parts}fr", f"{PARTS - parts}fr"


class Span(NamedTuple):
    """What a border divides, in lines or columns of the screen."""

    before: int
    room: int
    least: int
    """Of what is before the border."""
    least_behind: int
    step: int
    """How far a key moves the border."""

    def share_at(self, cells: int) -> float | None:
        """The share of the first `cells`, as far as both sides keep their least; None where there is no room."""
        most = self.room - self.least_behind
        return None if most < self.least else max(self.least, min(cells, most)) / self.room
