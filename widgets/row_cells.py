"""What stands in each cell of an instance's row: pure functions over one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, assert_never

from engine.snapshots import InstanceSnapshot, State, Status
from widgets.looks import Look, state_look
from widgets.table_columns import Column
from widgets.text import clean
from widgets.units import NOTHING, format_age, format_bytes, format_percent

BUSY_GLYPH = "◔"
MANY_RESTARTS = 1
"""From here on the number of restarts is drawn as a warning."""


class Cell(NamedTuple):
    """Text without padding, and the ink it is drawn with (empty: the row's own)."""

    text: str
    ink: str = ""


@dataclass(frozen=True, slots=True)
class RowContext:
    """What a row's text depends on besides its instance."""

    now: float
    age: float
    """Seconds since the snapshot came: what ages have grown by."""
    pending: str = ""
    """The word of an act that was just asked for; empty when there is none."""


def row_cell(column: Column, one: InstanceSnapshot, context: RowContext) -> Cell:
    """The cell of `column`."""
    match column:
        case Column.NAME:
            return Cell(clean(one.name))
        case Column.STATE:
            look = shown_look(one, context.pending)
            return Cell(f"{look.glyph} {context.pending or one.state.value}", look.ink)
        case Column.PORT:
            return _number(None if one.port is None else str(one.port))
        case Column.PID:
            return _number(None if one.pid is None else str(one.pid))
        case Column.UPTIME:
            return _number(age_text(one, context))
        case Column.CPU:
            return _number(format_percent(one.cpu_percent))
        case Column.MEMORY:
            return _number(format_bytes(one.memory_bytes))
        case Column.RESTARTS:
            return Cell(str(one.restarts), "ink--warn" if one.restarts >= MANY_RESTARTS else "ink--quiet")
        case Column.MODEL:
            return Cell(clean(one.model))
        case Column.WHY:
            return Cell(why_text(one), _why_ink(one))
        case _:
            assert_never(column)


def shown_look(one: InstanceSnapshot, pending: str) -> Look:
    """The look of the state column, while an act is on its way or not."""
    return Look(BUSY_GLYPH, "ink--busy") if pending else state_look(one.state)


def age_text(one: InstanceSnapshot, context: RowContext) -> str:
    """How long it has been running, or how soon the next try is due."""
    if one.status is Status.BACKOFF and one.retry_at is not None:
        left = max(0, round(one.retry_at - context.now))
        return f"in {left}s" if left < 1000 else f"in {left // 60}m"
    if one.uptime_s is None:
        return NOTHING
    return format_age(one.uptime_s + max(0.0, context.age))


def why_text(one: InstanceSnapshot) -> str:
    """The reason to show: what is wrong with its configuration first, then the engine's own sentence."""
    if one.config_error:
        return clean(f"configuration: {one.config_error}")
    why = one.why or one.last_error
    if one.needs_restart:
        return clean(f"the file changed, a restart takes it up · {why}" if why else "the file changed: restart it")
    return clean(why)


def _why_ink(one: InstanceSnapshot) -> str:
    if one.config_error or one.state is State.FAILED:
        return "ink--bad"
    if one.needs_restart or one.state in {State.UNHEALTHY, State.BACKOFF}:
        return "ink--warn"
    return "ink--quiet"


def _number(text: str | None) -> Cell:
    return Cell(NOTHING, "ink--quiet") if text in {None, NOTHING} else Cell(str(text))
