"""The table of instances: draws only the lines that are seen, keeps its cursor on a name, not on a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from widgets.inked import Inked
from widgets.motion import Motion, moved
from widgets.row_cells import Cell, RowContext, age_text, row_cell
from widgets.table_columns import GUTTER, NUMBERS, Column, Placed, column_gap, head_text, lay_out, measure
from widgets.table_order import SortKey, ordered
from widgets.text import clean, fit, fit_right

HEAD_LINES = 1
"""Lines above the first row: the column titles, which do not scroll away."""


class InstanceTable(Inked, ScrollView, can_focus=True, inherit_bindings=False):
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
    InstanceTable > .table--cursor { background: $primary 36%; text-style: bold; }
    InstanceTable > .table--cursor-blurred { background: $primary 16%; }
    InstanceTable > .table--marked { background: $accent 18%; }
    """

    cursor_name: reactive[str | None] = reactive[str | None](None, init=False)
    """The instance under the cursor; None while the table is empty."""

    @dataclass
    class CursorMoved(Message):
        """Another instance is under the cursor."""

        table: InstanceTable
        name: str | None

        @property
        def control(self) -> InstanceTable:
            """The table that sent it."""
            return self.table

    @dataclass
    class Opened(Message):
        """An instance was asked for with a double click."""

        table: InstanceTable
        name: str

        @property
        def control(self) -> InstanceTable:
            """The table that sent it."""
            return self.table

    @dataclass
    class ViewChanged(Message):
        """Marks, filter, order or the number of rows changed."""

        table: InstanceTable

        @property
        def control(self) -> InstanceTable:
            """The table that sent it."""
            return self.table

    def __init__(self, *, clock: Callable[[], float], id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.rows: tuple[InstanceSnapshot, ...] = ()
        """What is shown, in the order of the screen."""
        self.sort = SortKey.FILE
        self.filter_text = ""
        self.marks: frozenset[str] = frozenset()
        self._clock = clock
        self._all: tuple[InstanceSnapshot, ...] = ()
        self._pending: Mapping[str, str] = {}
        self._shown_at = 0.0
        self._placed: tuple[Placed, ...] = ()
        self._placed_for = -1
        self._ages: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many instances there are, shown or not."""
        return len(self._all)

    def show(self, snapshot: Snapshot, pending: Mapping[str, str]) -> None:
        """Draw this snapshot; `pending` holds the words of acts whose effect is not in it yet, by instance."""
        if snapshot.instances is not self._all:
            self._shown_at = self._clock()
        self._all = snapshot.instances
        self._pending = pending
        self._arrange()

    def tick(self) -> None:
        """Let the ages on the screen grow; only those that read differently are drawn again."""
        top = self.scroll_offset.y
        seen = self.rows[top : top + max(0, self.size.height - HEAD_LINES)]
        ages = tuple(age_text(one, self._row_context(one)) for one in seen)
        before = self._ages if len(self._ages) == len(ages) else ("",) * len(ages)
        left, width = self._age_cells()
        changed = [y for y, pair in enumerate(zip(before, ages, strict=True)) if pair[0] != pair[1]]
        self._ages = ages
        if changed and width:
            self.refresh(*(Region(left, HEAD_LINES + y, width, 1) for y in changed))

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
            self._go_to_row(moved(self._cursor_index(), motion, len(self.rows), page))

    def go_to(self, name: str) -> None:
        """Put the cursor on an instance, lifting the filter when that hides it."""
        if all(one.name != name for one in self.rows):
            self.set_filter("")
        for index, one in enumerate(self.rows):
            if one.name == name:
                self._go_to_row(index)

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

    def set_filter(self, text: str) -> None:
        """Show only what matches `text`; empty shows all."""
        if text != self.filter_text:
            self.filter_text = text
            self._arrange()

    def cycle_sort(self) -> SortKey:
        """Order by the next key, and say which."""
        self.sort = self.sort.following()
        self._arrange()
        return self.sort

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._keep_cursor_seen()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row; a second click opens it."""
        row = event.y - HEAD_LINES + self.scroll_offset.y
        if event.y >= HEAD_LINES and row < len(self.rows):
            self._go_to_row(row)
            if event.chain == 2:
                self.post_message(self.Opened(self, self.rows[row].name))

    def watch_cursor_name(self, name: str | None) -> None:
        """Tell where the cursor went."""
        self.post_message(self.CursorMoved(self, name))

    def watch_has_focus(self, _has_focus: bool) -> None:  # noqa: FBT001 - Textual calls it so
        """Draw the cursor as bright as the focus."""
        super().watch_has_focus(_has_focus)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        if y < HEAD_LINES:
            return self._draw_head()
        index = y - HEAD_LINES + self.scroll_offset.y
        if index < len(self.rows):
            return self._draw_row(self.rows[index])
        if not self.rows and y == HEAD_LINES + 1 and self.filter_text:
            text = f"  Nothing matches {clean(self.filter_text)}. esc shows all again."
            return self.drawn([Segment(text, self.ink("ink--quiet"))])
        return self.drawn([])

    def _arrange(self) -> None:
        before = self._cursor_index()
        self.rows = ordered(self._all, self.sort, self.filter_text)
        names = [one.name for one in self.rows]
        self._set_marks(self.marks & {one.name for one in self._all})
        if self.cursor_name not in names:
            near = max(0, min(before, len(names) - 1))
            self.cursor_name = names[near] if names else None
        self._placed_for = -1
        size = Size(0, len(self.rows) + HEAD_LINES)
        if size != self.virtual_size:
            self.virtual_size = size
            self.post_message(self.ViewChanged(self))
        self._keep_cursor_seen()
        self.refresh()

    def _columns(self) -> tuple[Placed, ...]:
        width = self.line_width
        if self._placed_for != width:
            self._placed_for = width
            self._placed = lay_out(width, measure(self._all, self.sort), self.sort)
        return self._placed

    def _age_cells(self) -> tuple[int, int]:
        """Where the column of ages begins, and its width; 0 where there is no room for it."""
        left = GUTTER
        for position, placed in enumerate(self._columns()):
            left += len(self._gap(position))
            if placed.column is Column.UPTIME:
                return left, placed.width
            left += placed.width
        return 0, 0

    def _row_context(self, one: InstanceSnapshot) -> RowContext:
        now = self._clock()
        return RowContext(now, now - self._shown_at, self._pending.get(one.name, ""))

    def _set_marks(self, marks: frozenset[str]) -> None:
        if marks != self.marks:
            self.marks = marks
            self.post_message(self.ViewChanged(self))
            self.refresh()

    def _cursor_index(self) -> int:
        return next((index for index, one in enumerate(self.rows) if one.name == self.cursor_name), 0)

    def _go_to_row(self, index: int) -> None:
        self.cursor_name = self.rows[index].name
        self._keep_cursor_seen()
        self.refresh()

    def _keep_cursor_seen(self) -> None:
        page = self.size.height - HEAD_LINES
        if page <= 0:
            return
        top, index = self.scroll_offset.y, self._cursor_index()
        if index < top:
            self.scroll_to(y=index, animate=False, immediate=True)
        elif index >= top + page:
            self.scroll_to(y=index - page + 1, animate=False, immediate=True)

    def _draw_head(self) -> Strip:
        style = self.paper("table--head")
        segments = [Segment(" " * GUTTER)]
        for position, placed in enumerate(self._columns()):
            title = head_text(placed.column, self.sort)
            pad = fit_right if placed.column in NUMBERS else fit
            segments.append(Segment(self._gap(position) + pad(title, placed.width)))
        return self.drawn(segments, style)

    def _draw_row(self, one: InstanceSnapshot) -> Strip:
        is_marked, is_cursor = one.name in self.marks, one.name == self.cursor_name
        context = self._row_context(one)
        segments = [Segment("▌ " if is_marked else "  ", self.ink("ink--key"))]
        for position, placed in enumerate(self._columns()):
            cell = row_cell(placed.column, one, context)
            segments.append(Segment(self._gap(position)))
            segments.append(self._draw_cell(cell, placed))
        return self.drawn(segments, self._row_style(is_cursor=is_cursor, is_marked=is_marked))

    def _draw_cell(self, cell: Cell, placed: Placed) -> Segment:
        pad = fit_right if placed.column in NUMBERS else fit
        return Segment(pad(cell.text, placed.width), self.ink(cell.ink) if cell.ink else None)

    def _row_style(self, *, is_cursor: bool, is_marked: bool) -> Style:
        if is_cursor:
            return self.paper("table--cursor" if self.has_focus else "table--cursor-blurred")
        return self.paper("table--marked") if is_marked else self.rich_style

    def _gap(self, position: int) -> str:
        return " " * column_gap(self.line_width) if position else ""
