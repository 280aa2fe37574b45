"""The lines of a log window: draws what a reader thread published, whatever the size of the log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.strip import Strip

from engine.log_asking import LogWindow
from engine.protocol import LogView
from engine.snapshots import LogLine
from widgets.inked import Inked
from widgets.log_line import MARK_CELLS, WRAP_MARK, Piece, cut_pieces, pieces
from widgets.log_wrap import break_line
from widgets.looks import HUES
from widgets.motion import Motion
from widgets.text import clean, fit

WHEEL_LINES = 3
SIDE_STEP = 8
"""Columns that one step to the side moves."""
NAME_CELLS = 14
"""The most that an instance's name takes in a merged log."""


class Place(NamedTuple):
    """What stands in one row of the screen."""

    line: int
    start: int = 0
    """Where the row begins in the text of a line that is wrapped."""
    end: int | None = None
    """Where the next row begins; None in the last one."""


class LogText(Inked, can_focus=True):
    """Part of a log, through a `LogView` that somebody else opens."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--hit",
        "log--current",
        "log--selected",
    }
    """
    | class | for |
    | --- | --- |
    | `log--hit` | what the search found |
    | `log--current` | the line that a search or a jump led to |
    | `log--selected` | lines to be copied |
    """

    DEFAULT_CSS = """
    LogText { height: 1fr; }
    LogText > .log--hit { background: $accent; color: $background; text-style: bold; }
    LogText > .log--current { background: $primary 22%; }
    LogText > .log--selected { background: $primary 50%; color: $foreground; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.log_window = LogWindow("")
        """What is drawn."""
        self.names: tuple[str, ...] = ()
        """The instances of a merged log, in the order of their colours."""
        self.hits: re.Pattern[str] | None = None
        """What is highlighted."""
        self.is_wrapped = False
        self.selection: tuple[LogLine, ...] = ()
        self._view: LogView | None = None
        self._side = 0
        self._layout: list[Place] = []
        self._thumb = range(0)
        self._asked = (0, 0)
        self._anchor: int | None = None

    def watch_view(self, view: LogView | None, names: tuple[str, ...], window: LogWindow) -> None:
        """Show this view from here on."""
        self._view, self.names, self.log_window = view, names, window
        self._side, self._asked, self.selection = 0, (0, 0), ()
        self.redraw()

    def show(self, window: LogWindow) -> None:
        """Draw another window."""
        self.log_window = window
        self.redraw()

    def redraw(self) -> None:
        """Draw again, and tell the reader how much there is room for."""
        self._layout = self._lay_out()
        self._thumb = self._find_thumb()
        height = max(1, self.size.height)
        asked = (height, self._fitting_at_end(height))
        if self._view is not None and asked != self._asked:
            self._asked = asked
            self._view.resize(*asked)
        self.refresh()

    def set_wrap(self, *, is_wrapped: bool) -> None:
        """Break long lines, or let them run out at the right edge."""
        self.is_wrapped, self._side = is_wrapped, 0
        self.redraw()

    def move(self, motion: Motion) -> None:
        """Scroll; up stops following, the end follows again."""
        if self._view is None:
            return
        page = max(1, len(self.shown()) - 1) if self.is_wrapped else max(1, self.size.height - 1)
        match motion:
            case Motion.UP | Motion.DOWN:
                self._view.scroll(-1 if motion is Motion.UP else 1)
            case Motion.PAGE_UP | Motion.PAGE_DOWN:
                self._view.scroll(-page if motion is Motion.PAGE_UP else page)
            case Motion.FIRST:
                self._view.to_start()
            case Motion.LAST:
                self._view.to_end()
            case Motion.LEFT | Motion.RIGHT:
                self._move_aside(SIDE_STEP if motion is Motion.RIGHT else -SIDE_STEP)

    def shown(self) -> tuple[LogLine, ...]:
        """The lines on the screen."""
        return tuple(self.log_window.lines[index] for index in dict.fromkeys(place.line for place in self._layout))

    def plain(self, line: LogLine) -> str:
        """A line without colours, with the instance's name where several are merged."""
        return f"{clean(line.name)}: {clean(line.text)}" if len(self.names) > 1 else clean(line.text)

    def on_resize(self) -> None:
        """Tell the reader how many lines are wanted."""
        self.redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll towards older lines."""
        self._wheel(event, -WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll towards newer lines."""
        self._wheel(event, WHEEL_LINES)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to select lines; they stand still from here on."""
        self.selection = ()
        self._anchor = self._line_at(event)
        if self._anchor is not None and self._view is not None:
            self._view.hold()
            self.capture_mouse()
        self.refresh()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select from where the button went down to here."""
        here = self._line_at(event)
        if self._anchor is None or here is None:
            return
        first, last = sorted((self._anchor, here))
        self.selection = self.log_window.lines[first : last + 1]
        self.refresh()

    def on_mouse_up(self) -> None:
        """The selection stays until the next click or escape."""
        self._anchor = None
        self.release_mouse()

    def render_line(self, y: int) -> Strip:
        """One line of the log, with a thumb at the right edge while it is longer than the pane."""
        if y >= len(self._layout):
            return self.drawn([Segment(self._empty_text() if y == 0 else "", self.ink("ink--quiet"))])
        width = max(1, self.size.width - 1)
        place = self._layout[y]
        line = self.log_window.lines[place.line]
        segments = [self._segment(one) for one in self._pieces_in(place, line)]
        thumb = Segment("▐" if y in self._thumb else " ", self.ink("ink--quiet"))
        shown = _cut(segments, 0 if self.is_wrapped else self._side, width)
        if line in self.selection:  # in one ink: no other can be read on it in every theme
            shown = [Segment("".join(segment.text for segment in shown))]
        return self.drawn([*shown, thumb], self._ground(place.line, line))

    def _pieces_in(self, place: Place, line: LogLine) -> list[Piece]:
        """What stands in a row: the whole line, or the part of it that has its place there."""
        name, (mark, *body) = self._name_piece(line), pieces(line, self.hits)
        if not self.is_wrapped:
            return [*name, mark, *body]
        shown = cut_pieces(body, place.start, place.end)
        if not place.start:
            return [*name, mark, *shown]
        return [Piece(" " * self._name_cells(), ""), Piece(WRAP_MARK, "ink--quiet"), *shown]

    def _name_piece(self, line: LogLine) -> list[Piece]:
        if len(self.names) < 2:
            return []
        hue = self.names.index(line.name) % len(HUES) if line.name in self.names else 0
        return [Piece(f"{fit(clean(line.name), self._name_cells() - 1)} ", f"ink--hue{hue}")]

    def _name_cells(self) -> int:
        """What the names of a merged log take, with a blank behind them; none in a log of one instance."""
        return 0 if len(self.names) < 2 else 1 + min(NAME_CELLS, max(cell_len(name) for name in self.names))

    def _segment(self, piece: Piece) -> Segment:
        if piece.is_hit:
            return Segment(piece.text, self.paper("log--hit"))
        return Segment(piece.text, self.ink(piece.ink) if piece.ink else None)

    def _ground(self, index: int, line: LogLine) -> Style | None:
        if line in self.selection:
            return self.paper("log--selected")
        return self.paper("log--current") if index == self.log_window.current else None

    def _lay_out(self) -> list[Place]:
        """What stands in each row: the end of the window while it follows, else its beginning or its marked line."""
        height, lines = max(1, self.size.height), self.log_window.lines
        places = [place for index, line in enumerate(lines) for place in self._places(index, line)]
        if self.log_window.at_end:
            return places[-height:]
        marked = self.log_window.current
        if marked is None or not self.is_wrapped:
            return places[:height]
        behind = next((row for row, place in enumerate(places) if place.line > marked), len(places))
        skipped = max(0, behind - height)
        return places[skipped : skipped + height]

    def _fitting_at_end(self, height: int) -> int:
        """How many of the window's last lines there is room for."""
        if not self.is_wrapped:
            return height
        rows, count = 0, 0
        for line in reversed(self.log_window.lines):
            rows += len(self._starts(line))
            if rows > height:
                return max(1, count)
            count += 1
        return height if rows < height else max(1, count)

    def _places(self, index: int, line: LogLine) -> Iterator[Place]:
        """The rows of the screen that a line takes."""
        starts = self._starts(line)
        for row, start in enumerate(starts, 1):
            yield Place(index, start, starts[row] if row < len(starts) else None)

    def _starts(self, line: LogLine) -> list[int]:
        """Where the rows of a line begin in its text."""
        if not self.is_wrapped:
            return [0]
        return break_line(clean(line.text), max(1, self.size.width - 1 - self._name_cells() - MARK_CELLS))

    def _line_at(self, event: events.MouseEvent) -> int | None:
        offset = event.get_content_offset(self)
        return self._layout[offset.y].line if offset is not None and offset.y < len(self._layout) else None

    def _move_aside(self, columns: int) -> None:
        if not self.is_wrapped:
            self._side = max(0, self._side + columns)
            self.refresh()

    def _wheel(self, event: events.MouseEvent, lines: int) -> None:
        event.stop()
        if self._view is not None:
            self._view.scroll(lines)

    def _empty_text(self) -> str:
        window = self.log_window
        if window.lines or not window.name:
            return ""
        said = clean(window.error) or ("Looking for lines …" if window.is_filling else self._nothing())
        return fit(f"  {said}", self.size.width)

    def _nothing(self) -> str:
        return "No line passes the filter." if self.log_window.size_bytes else "Nothing logged yet."

    def _find_thumb(self) -> range:
        """The rows of the thumb that shows which part of the log this is; none while all of it is seen."""
        window, height = self.log_window, max(1, self.size.height)
        seen = _size(self.shown())
        if seen >= window.size_bytes:
            return range(0)
        length = max(1, round(height * seen / window.size_bytes))
        start = height - length if window.at_end else min(round(window.top * height), height - length)
        return range(start, start + length)


def _cut(segments: list[Segment], start: int, width: int) -> Iterable[Segment]:
    """The cells from `start` on, exactly `width` of them."""
    cells = sum(cell_len(text) for text, _, _ in segments)
    if start == 0 and cells <= width:
        return [*segments, Segment(" " * (width - cells))]
    return Strip(segments, cells).crop(start, start + width).extend_cell_length(width)


def _size(lines: Sequence[LogLine]) -> int:
    return sum(len(line.text) + 1 for line in lines)
