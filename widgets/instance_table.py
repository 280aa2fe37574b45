"""The table of instances: draws only the lines that are seen, keeps its cursor on a name, not on a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.snapshots import InstanceSnapshot, Snapshot
from widgets.motion import Motion, moved
from widgets.row_cells import RowContext
from widgets.table_columns import LIVE, Column, Layout, column_gap, known_columns, lay_out, measure
from widgets.table_lines import TableLines
from widgets.table_view import Heading, Line, TableView, build_lines
from widgets.text import clean

TICK_S = 1.0
"""How often the ages on the screen grow."""
HEAD_LINES = 1
"""Lines above the first row: the column titles, which do not scroll away."""


@dataclass
class TableMessage(Message):
    """Something that a table tells."""

    table: InstanceTable

    @property
    def control(self) -> InstanceTable:
        """The table that sent it."""
        return self.table


class InstanceTable(TableLines, ScrollView, can_focus=True, inherit_bindings=False):
    """One row for each instance of a snapshot."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--head", "table--cursor", "table--cursor-blurred", "table--marked"}
    """
    | class | for |
    | --- | --- |
    | `table--head` | the column titles |
    | `table--cursor` | the row under the cursor, while the table has the focus |
    | `table--cursor-blurred` | the same row while another pane has it |
    | `table--marked` | rows that an action will be applied to |
    """

    DEFAULT_CSS = """
    InstanceTable {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
    }
    InstanceTable > .table--head { color: $foreground 68%; text-style: bold; }
    InstanceTable > .table--cursor { background: $primary 26%; text-style: bold; }
    InstanceTable > .table--cursor-blurred { background: $primary 14%; }
    InstanceTable > .table--marked { background: $accent 14%; }
    """

    cursor_name: reactive[str | None] = reactive[str | None](None, init=False, repaint=False)
    """The instance under the cursor; None while the table is empty."""

    @dataclass
    class CursorMoved(TableMessage):
        """Another instance is under the cursor."""

        name: str | None

    @dataclass
    class Opened(TableMessage):
        """An instance was asked for with a double click."""

        name: str

    @dataclass
    class ColumnPressed(TableMessage):
        """The title of a column was clicked."""

        column: Column

    @dataclass
    class ViewChanged(TableMessage):
        """Marks, filter, order or the number of rows changed."""

    def __init__(self, *, clock: Callable[[], float], id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.rows: tuple[InstanceSnapshot, ...] = ()
        """What is shown, in the order of the screen."""
        self.view = TableView()
        """Order, columns, groups and filter; `set_view` changes it."""
        self.marks: frozenset[str] = frozenset()
        self._clock = clock
        self._all: tuple[InstanceSnapshot, ...] = ()
        self._lines: tuple[Line, ...] = ()
        """The rows, with the headings of groups between them."""
        self._line_of: Mapping[str, int] = {}
        self._known: frozenset[Column] = frozenset()
        """Live columns that ever had something to show: they stay, so that nothing jumps when it goes away."""
        self._pending: Mapping[str, str] = {}
        self._shown_at = 0.0
        self._ticked_at = float("-inf")
        """The moment of which ages are told: they all grow at once, not each row at its own time."""
        self._placed = Layout()
        self._placed_for = -1
        self._seen: dict[int, Strip] = {}
        """What was drawn last, by line of the screen."""

    @property
    def total(self) -> int:
        """How many instances there are, shown or not."""
        return len(self._all)

    @property
    def filter_text(self) -> str:
        """What rows have to match; empty shows all."""
        return self.view.filter_text

    @property
    def lines_wanted(self) -> int:
        """The height at which every instance is seen: column titles, rows, headings of groups."""
        headings = len(self._lines) - len(self.rows)
        return HEAD_LINES + max(1, self.total + headings)

    def show(self, snapshot: Snapshot, pending: Mapping[str, str]) -> None:
        """Draw this snapshot; `pending` holds the words of acts whose effect is not in it yet, by instance."""
        now = self._clock()
        if snapshot.instances is not self._all:
            self._shown_at = now
        if not 0 <= now - self._ticked_at < TICK_S:
            self._ticked_at = now
        self._all = snapshot.instances
        self._known |= known_columns(self._all)
        self._pending = pending
        self._arrange()

    def tick(self) -> None:
        """Let the ages on the screen grow."""
        self._ticked_at = self._clock()
        self._refresh_changed()

    def cursor(self) -> InstanceSnapshot | None:
        """The instance under the cursor."""
        index = self._cursor_index()
        return self.rows[index] if 0 <= index < len(self.rows) else None

    def chosen(self) -> tuple[InstanceSnapshot, ...]:
        """What an action applies to: the marked instances in the file's order, else the one under the cursor."""
        if self.marks:
            return tuple(one for one in self._all if one.name in self.marks)
        here = self.cursor()
        return () if here is None else (here,)

    def move(self, motion: Motion) -> None:
        """Move the cursor."""
        if self.rows:
            page = self.size.height - HEAD_LINES - 1
            self._go_to(self.rows[moved(self._cursor_index(), motion, len(self.rows), page)].name)

    def go_to(self, name: str) -> None:
        """Put the cursor on an instance, lifting the filter when that hides it."""
        if name not in self._line_of:
            self.set_filter("")
        if name in self._line_of:
            self._go_to(name)

    def toggle_mark(self) -> None:
        """Mark the instance under the cursor, or unmark it."""
        if self.cursor_name is not None:
            self._set_marks(self.marks ^ {self.cursor_name})

    def toggle_all_marks(self) -> None:
        """Mark every instance shown, or none when they all are."""
        shown = frozenset(one.name for one in self.rows)
        self._set_marks(self.marks - shown if shown <= self.marks else self.marks | shown)

    def clear_marks(self) -> None:
        """Unmark everything."""
        self._set_marks(frozenset())

    def set_view(self, view: TableView) -> None:
        """Show the instances like this from here on."""
        if view != self.view:
            self.view = view
            self._arrange()
            self.post_message(self.ViewChanged(self))

    def set_filter(self, text: str) -> None:
        """Show only what matches `text`; empty shows all."""
        if text != self.filter_text:
            self.view = replace(self.view, filter_text=text)
            self._arrange()

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._keep_cursor_seen()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row, a second click opens it; a column's title orders by it."""
        if event.y < HEAD_LINES:
            column = self._layout().column_at(event.x)
            if column is not None:
                self.post_message(self.ColumnPressed(self, column))
            return
        index = event.y - HEAD_LINES + self.scroll_offset.y
        line = self._lines[index] if index < len(self._lines) else None
        if isinstance(line, InstanceSnapshot):
            self._go_to(line.name)
            if event.chain == 2:
                self.post_message(self.Opened(self, line.name))

    def watch_cursor_name(self, name: str | None) -> None:
        """Tell where the cursor went."""
        self.post_message(self.CursorMoved(self, name))

    def watch_has_focus(self, _has_focus: bool) -> None:  # noqa: FBT001 - Textual calls it so
        """Draw the cursor as bright as the focus."""
        super().watch_has_focus(_has_focus)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        line = self._seen[y] = self._draw_line(y)
        return line

    def _draw_line(self, y: int) -> Strip:
        if y < HEAD_LINES:
            return self.draw_head(self._layout(), self.view.order)
        index = y - HEAD_LINES + self.scroll_offset.y
        if index < len(self._lines):
            line = self._lines[index]
            return self.draw_heading(line) if isinstance(line, Heading) else self._draw_row(line)
        if not self.rows and y == HEAD_LINES + 1 and self.filter_text:
            text = f"  Nothing matches {clean(self.filter_text)}. esc shows all again."
            return self.drawn([Segment(text, self.ink("ink--quiet"))])
        return self.drawn([])

    def _refresh_changed(self) -> None:
        """Have the lines drawn again that look different now."""
        with self.many_lines():
            lines = ((y, before, self._draw_line(y)) for y, before in self._seen.items())
            changed = [y for y, before, now in lines if now is not before and now != before]
        if changed:
            self.refresh(*(Region(0, y, self.outer_size.width, 1) for y in changed))

    def _arrange(self) -> None:
        before, was_seen = self._cursor_index(), self._is_cursor_seen()
        self._lines = build_lines(self._all, self.view)
        self.rows = tuple(line for line in self._lines if isinstance(line, InstanceSnapshot))
        self._line_of = {line.name: i for i, line in enumerate(self._lines) if isinstance(line, InstanceSnapshot)}
        self._set_marks(self.marks & {one.name for one in self._all})
        if self.cursor_name not in self._line_of:
            near = max(0, min(before, len(self.rows) - 1))
            self.cursor_name = self.rows[near].name if self.rows else None
        self._placed_for = -1
        size = Size(0, len(self._lines) + HEAD_LINES)
        if size != self.virtual_size:
            self.virtual_size = size
            self.post_message(self.ViewChanged(self))
        if was_seen:
            # What was scrolled out of sight with the wheel stays there: new data moves nobody's view.
            self._keep_cursor_seen()
        self.forget_rows(self._line_of.keys())
        self._refresh_changed()

    def _layout(self) -> Layout:
        width = self.line_width
        if self._placed_for != width:
            self._placed_for = width
            order = self.view.order
            absent = self.view.hidden | (LIVE - self._known)
            placed = Layout(lay_out(width, measure(self._all), order, absent), column_gap(width))
            self._placed = self._placed if placed == self._placed else placed  # rows know the one they were drawn by
        return self._placed

    def _row_context(self, one: InstanceSnapshot) -> RowContext:
        return RowContext(self._ticked_at, self._ticked_at - self._shown_at, self._pending.get(one.name, ""))

    def _set_marks(self, marks: frozenset[str]) -> None:
        if marks != self.marks:
            self.marks = marks
            self.post_message(self.ViewChanged(self))
            self._refresh_changed()

    def _cursor_index(self) -> int:
        return next((index for index, one in enumerate(self.rows) if one.name == self.cursor_name), 0)

    def _go_to(self, name: str) -> None:
        """Put the cursor on a row; two rows look different then, and everything when the table has to scroll."""
        left, top = self._line_of.get(self.cursor_name or "", 0), self.scroll_offset.y
        self.cursor_name = name
        self._keep_cursor_seen()
        if self.scroll_offset.y != top:
            self.refresh()
        else:
            lines = (left, self._line_of.get(name, 0))
            self.refresh(*(Region(0, HEAD_LINES + line - top, self.size.width, 1) for line in lines))

    def _is_cursor_seen(self) -> bool:
        line = self._line_of.get(self.cursor_name or "", 0)
        return self.scroll_offset.y <= line < self.scroll_offset.y + max(1, self.size.height - HEAD_LINES)

    def _keep_cursor_seen(self) -> None:
        page = self.size.height - HEAD_LINES
        if page <= 0:
            return
        top, line = self.scroll_offset.y, self._line_of.get(self.cursor_name or "", 0)
        first = line - 1 if line and isinstance(self._lines[line - 1], Heading) else line
        if first < top:
            self.scroll_to(y=first, animate=False, immediate=True)
        elif line >= top + page:
            self.scroll_to(y=line - page + 1, animate=False, immediate=True)

    def _draw_row(self, one: InstanceSnapshot) -> Strip:
        is_marked, is_cursor = one.name in self.marks, one.name == self.cursor_name
        base = self._row_style(is_cursor=is_cursor, is_marked=is_marked)
        return self.draw_row(one, self._layout(), self._row_context(one), base, is_marked=is_marked)

    def _row_style(self, *, is_cursor: bool, is_marked: bool) -> Style:
        if is_cursor:
            return self.paper("table--cursor" if self.has_focus else "table--cursor-blurred")
        return self.paper("table--marked") if is_marked else self.ground
