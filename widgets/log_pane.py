"""The log pane: polls a window that a reader thread publishes and draws it, whatever the size of the log."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.strip import Strip

from engine.protocol import LogView
from engine.snapshots import LogLine, LogWindow
from widgets.frame import set_title
from widgets.inked import Inked
from widgets.log_line import pieces
from widgets.motion import Motion
from widgets.text import clean, fit
from widgets.units import format_bytes, format_count

WHEEL_LINES = 3
STATUS_CELLS = 36
"""What the title keeps for the rest, so that a long name never hides that the log is paused."""
LEAST_NAME_CELLS = 8
SIDE_STEP = 8
"""Columns that one step to the side moves."""


class LogPane(Inked, can_focus=True):
    """The log of one instance, through a `LogView` that somebody else opens."""

    DEFAULT_CSS = """
    LogPane { height: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.log_window = LogWindow("")
        """What is drawn."""
        self._view: LogView | None = None
        self._side = 0

    def on_unmount(self) -> None:
        """Let the reader go."""
        self.watch_log(None, "")

    def watch_log(self, view: LogView | None, name: str) -> None:
        """Show this view from here on, and close the one before."""
        if self._view is not None:
            self._view.close()
        self._view = view
        self._side = 0
        self.log_window = LogWindow(name)
        if view is not None:
            view.resize(max(1, self.size.height))
            self.log_window = view.window()
        self._redraw()

    def poll(self) -> None:
        """Draw the newest window when it is another one; to be called ten times a second, nobody reads faster."""
        if self._view is None:
            return
        window = self._view.window()
        if window is not self.log_window:
            self.log_window = window
            self._redraw()

    def move(self, motion: Motion) -> None:
        """Scroll; up stops following, the end follows again."""
        if self._view is None:
            return
        page = max(1, self.size.height - 1)
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
                step = SIDE_STEP if motion is Motion.RIGHT else -SIDE_STEP
                self._side = max(0, self._side + step)
                self.refresh()

    def on_resize(self) -> None:
        """Tell the reader how many lines are wanted."""
        if self._view is not None:
            self._view.resize(max(1, self.size.height))
        self._redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll towards older lines."""
        self._wheel(event, -WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll towards newer lines."""
        self._wheel(event, WHEEL_LINES)

    def render_line(self, y: int) -> Strip:
        """One line of the log, with a thumb at the right edge while it is longer than the pane."""
        lines = self._lines()
        if y >= len(lines):
            return self.drawn([Segment(self._empty_text() if y == 0 else "", self.ink("ink--quiet"))])
        segments = [Segment(one.text, self.ink(one.ink) if one.ink else None) for one in pieces(lines[y])]
        width = self.size.width
        text = Strip(segments).crop(self._side, self._side + width - 1).extend_cell_length(width - 1)
        thumb = Segment("▐" if self._is_thumb(y) else " ", self.ink("ink--quiet"))
        return self.drawn([*text, thumb])

    def title(self) -> str:
        """The name of the log and where in it the pane is."""
        window = self.log_window
        parts = ["Log"]
        if window.name:
            name = clean(window.name)
            room = max(LEAST_NAME_CELLS, self.size.width - STATUS_CELLS)
            parts.append(name if cell_len(name) <= room else fit(name, room))
        if not window.at_end:
            parts.append("paused")
            if window.new_lines:
                parts.append(format_count(window.new_lines, "new line"))
        elif window.size_bytes:
            parts.append(format_bytes(window.size_bytes))
        return " · ".join(parts)

    def _lines(self) -> tuple[LogLine, ...]:
        """What there is room for: after a resize the window may hold more for a moment."""
        lines, height = self.log_window.lines, max(1, self.size.height)
        return lines[-height:] if self.log_window.at_end else lines[:height]

    def _redraw(self) -> None:
        set_title(self, self.title())
        self.refresh()

    def _wheel(self, event: events.MouseEvent, lines: int) -> None:
        event.stop()
        if self._view is not None:
            self._view.scroll(lines)

    def _empty_text(self) -> str:
        window = self.log_window
        if window.lines or not window.name:
            return ""
        return fit(f"  {clean(window.error) or 'Nothing logged yet.'}", self.size.width)

    def _is_thumb(self, y: int) -> bool:
        window, height = self.log_window, max(1, self.size.height)
        seen = sum(len(line.text) + 1 for line in self._lines())
        if seen >= window.size_bytes:
            return False
        length = max(1, round(height * seen / window.size_bytes))
        start = height - length if window.at_end else min(round(window.top * height), height - length)
        return start <= y < start + length
