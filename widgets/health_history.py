"""Stored checks laid out over time: what a chart of so many columns shows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from engine.snapshots import Health
from widgets.looks import Look

if TYPE_CHECKING:
    from engine.description import HealthPoint

KNOWN_FOR_S = 660.0
"""While all is well a check is stored every five minutes: for so long one speaks for the time behind it."""
LEAST_SPAN_S = 60.0
BAR_STEPS = " ▁▂▃▄▅▆▇█"
UNTOLD = Look(" ", "ink--quiet")

_WORST_LAST = (Health.HEALTHY, Health.UNKNOWN, Health.LOADING, Health.UNHEALTHY)
_LOOKS = {
    Health.HEALTHY: Look("●", "ink--good"),
    Health.LOADING: Look("◑", "ink--busy"),
    Health.UNHEALTHY: Look("▲", "ink--warn"),
    Health.UNKNOWN: Look("·", "ink--quiet"),
}


def health_look(health: Health | None) -> Look:
    """The glyph and the ink of one check; a blank where nothing is known."""
    return UNTOLD if health is None else _LOOKS[health]


class Column(NamedTuple):
    """What one column of a chart stands for."""

    health: Health | None
    """The worst of its time; None when nothing is known of it."""
    latency_ms: float | None
    """The longest check in it; None without a check."""


def lay_out(
    points: Sequence[HealthPoint], ends: Sequence[float], until: float, width: int
) -> tuple[float, tuple[Column, ...]]:
    """The checks (oldest first) over `width` columns of equal time, and when the first column begins.

    The last column ends at `until`. Between two checks the health stays what the earlier one said, for a while, and
    not beyond the next of the `ends` of its runs.
    """
    if not points or width <= 0:
        return until, ()
    start = min(points[0].ts, until - LEAST_SPAN_S)
    step = max(until - start, LEAST_SPAN_S) / width
    fallen: list[list[HealthPoint]] = [[] for _ in range(width)]
    for point in points:
        fallen[min(width - 1, max(0, int((point.ts - start) / step)))].append(point)
    columns: list[Column] = []
    last, known_until = points[0], 0.0
    for index, inside in enumerate(fallen):
        told = [one.health for one in inside] + ([last.health] if start + index * step <= known_until else [])
        latencies = [one.latency_ms for one in inside if one.latency_ms is not None]
        columns.append(Column(max(told, key=_WORST_LAST.index, default=None), max(latencies, default=None)))
        if inside:
            last = inside[-1]
            known_until = min([last.ts + KNOWN_FOR_S, *(end for end in ends if end > last.ts)])
    return start, tuple(columns)


def draw_bars(values: Sequence[float | None], height: int) -> tuple[str, ...]:
    """Bars in `height` lines, the topmost first: the largest value is full, and every value is seen."""
    most = max((value for value in values if value is not None), default=0.0)
    steps = len(BAR_STEPS) - 1
    filled = [0 if value is None else max(1, round(value / most * height * steps)) if most else 1 for value in values]
    return tuple(
        "".join(BAR_STEPS[max(0, min(steps, count - row * steps))] for count in filled)
        for row in reversed(range(height))
    )


def count_falls(points: Sequence[HealthPoint]) -> int:
    """How often it became unhealthy."""
    healths = [one.health for one in points]
    return sum(
        now is Health.UNHEALTHY and before is not Health.UNHEALTHY
        for before, now in zip([None, *healths], healths, strict=False)
    )
