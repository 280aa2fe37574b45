"""The health of one instance over time: a strip of signs, and below it how long the checks took."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip

from engine.description import HealthPoint
from engine.plural import format_count
from engine.snapshots import Health
from widgets.health_history import Column, count_falls, draw_bars, health_look, lay_out
from widgets.inked import Inked
from widgets.text import clean, fit
from widgets.units import format_day_time
from widgets.use_curves import LABEL_CELLS, say_latency

BAR_LINES = 4
END_CELLS = 14
"""Behind the bars: the longest latency."""
NEVER = "No check is stored: it has never been probed, or the history has expired."

Line = list[tuple[str, str]]
"""Text and ink, from left to right."""


class HealthChart(Inked):
    """Live strip, stored strip, latency bars, times. Draws what it is given; `now` ends the chart."""

    DEFAULT_CSS = """
    HealthChart { height: auto; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._points: tuple[HealthPoint, ...] = ()
        self._strip: tuple[Health, ...] = ()
        self._ends: tuple[float, ...] = ()
        self._now = 0.0
        self._lines: list[Line] = []
        self._drawn_for = 0

    def show(self, points: Sequence[HealthPoint], strip: Sequence[Health], ends: Sequence[float], now: float) -> None:
        """Draw these stored checks and, live, the last ones, oldest first; runs ended at `ends`."""
        self._points, self._strip, self._ends, self._now = tuple(points), tuple(strip), tuple(ends), now
        before, self._lines = len(self._lines), self._draw(self.line_width)
        self._drawn_for = self.line_width
        self.refresh(layout=len(self._lines) != before)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are to draw."""
        del container, viewport, width
        return max(1, len(self._lines))

    def render_line(self, y: int) -> Strip:
        """One line of the chart."""
        if self._drawn_for != self.line_width:
            self._drawn_for = self.line_width
            self._lines = self._draw(self.line_width)
        line = self._lines[y] if y < len(self._lines) else []
        return self.drawn([Segment(text, self.ink(ink) if ink else None) for text, ink in line])

    def _draw(self, width: int) -> list[Line]:
        cells = max(8, width - LABEL_CELLS - END_CELLS)
        lines: list[Line] = (
            [[(fit("Last checks", LABEL_CELLS), "ink--key"), *_signs(self._strip)], []] if self._strip else []
        )
        if not self._points:
            return [*lines, [(NEVER, "ink--quiet")]]
        start, columns = lay_out(self._points, self._ends, max(self._now, self._points[-1].ts), cells)
        return [*lines, *self._draw_history(start, columns)]

    def _draw_history(self, start: float, columns: tuple[Column, ...]) -> list[Line]:
        falls = count_falls(self._points)
        often = f"unhealthy {format_count(falls, 'time')}" if falls else "never unhealthy"
        words = f"{format_count(len(self._points), 'check')} stored, {often}"
        latencies = [column.latency_ms for column in columns]
        longest = max((one for one in latencies if one is not None), default=None)
        bars = draw_bars(latencies, BAR_LINES) if longest is not None else ()
        begin, end = format_day_time(start), "now"
        gap = len(columns) - len(begin) - len(end)
        return [
            [("History", "ink--key"), (f"  {words}", "ink--quiet")],
            [_label("health"), *_signs([column.health for column in columns])],
            *(
                [
                    _label("latency" if number == 0 else ""),
                    (bar, "ink--busy"),
                    (f"  max {say_latency(longest)}" if number == 0 else "", "ink--quiet"),
                ]
                for number, bar in enumerate(bars)
            ),
            [_label(""), (f"{begin}{' ' * gap}{end}" if gap > 0 else begin, "ink--quiet")],
        ]


class CheckList(Inked):
    """The stored checks, newest first, one a line."""

    DEFAULT_CSS = """
    CheckList { height: auto; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.rows: tuple[HealthPoint, ...] = ()
        """Newest first."""

    def show(self, points: Sequence[HealthPoint]) -> int:
        """Draw these (oldest first); how many lines the older ones have moved down."""
        rows = tuple(reversed(points))
        if rows == self.rows:
            return 0
        moved = rows.index(self.rows[0]) if self.rows and self.rows[0] in rows else 0
        is_other_height = len(rows) != len(self.rows)
        self.rows = rows
        self.refresh(layout=is_other_height)
        return moved

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A title and the checks; nothing without any."""
        del container, viewport, width
        return 1 + len(self.rows) if self.rows else 0

    def render_line(self, y: int) -> Strip:
        """When, how, how long, what it said."""
        if y == 0 or y > len(self.rows):
            return self.drawn([Segment("Stored checks" if y == 0 and self.rows else "", self.ink("ink--key"))])
        one = self.rows[y - 1]
        look = health_look(one.health)
        head = [
            Segment(f"  {format_day_time(one.ts)}  ", self.ink("ink--quiet")),
            Segment(f"{look.glyph} {one.health.value:<9}  ", self.ink(look.ink)),
            Segment(f"{say_latency(one.latency_ms):>7}  "),
        ]
        room = self.line_width - sum(segment.cell_length for segment in head)
        return self.drawn([*head, Segment(fit(clean(one.message), room))])


def _label(text: str) -> tuple[str, str]:
    return fit(f"  {text}", LABEL_CELLS), "ink--quiet"


def _signs(healths: Sequence[Health | None]) -> Line:
    """Neighbours of one look together."""
    return [(look.glyph * len(list(run)), look.ink) for look, run in groupby(map(health_look, healths))]
