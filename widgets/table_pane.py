"""The pane around the table: its title, the reason line below it, and the filter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from engine.snapshots import Snapshot
from widgets.frame import set_title
from widgets.instance_table import InstanceTable
from widgets.rate_history import RateHistory
from widgets.table_columns import FILE_ORDER
from widgets.why_line import WhyLine

FILTER_HINT = "filter by name, tag, state or model; !text leaves out"


class FilterLine(Input, inherit_bindings=True):
    """Where the filter is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,up", "leave", "To the table", show=False, id="filter.leave"),
        Binding("escape", "abandon", "Show all", show=False, id="filter.abandon"),
    ]
    """
    | key | does |
    | --- | --- |
    | `enter`, `down`, `up` | back to the table, the filter stays |
    | `escape` | back to the table, the filter goes |
    """

    DEFAULT_CSS = """
    FilterLine, FilterLine:focus {
        border: none;
        height: 1;
        width: 1fr;
        padding: 0 1;
        background: $surface;
    }
    """

    @dataclass
    class Left(Message):
        """The operator is done with the filter."""

        is_kept: bool

    def action_leave(self) -> None:
        """Back to the table with the filter in force."""
        self.post_message(self.Left(is_kept=True))

    def action_abandon(self) -> None:
        """Back to the table with everything shown."""
        self.post_message(self.Left(is_kept=False))


class TablePane(Vertical):
    """The instances, why the chosen one is as it is, and the filter when one is wanted."""

    DEFAULT_CSS = """
    TablePane > InstanceTable { height: 1fr; }
    TablePane > .filter-row { display: none; height: 1; background: $surface; }
    TablePane.-filtering > .filter-row { display: block; }
    TablePane .filter-label { width: auto; padding: 0 1; color: $text-accent; }
    """

    def __init__(self, *, clock: Callable[[], float], id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.table = InstanceTable(clock=clock, id="table")
        """The table itself."""
        self._why = WhyLine()
        self.rates = RateHistory()
        """What each instance made and took in the last minutes."""
        self._filter = FilterLine(placeholder=FILTER_HINT, id="filter", select_on_focus=False)

    def compose(self) -> ComposeResult:
        """Table, reason, filter."""
        yield self.table
        yield self._why
        with Horizontal(classes="filter-row"):
            yield Static("filter", classes="filter-label", markup=False)
            yield self._filter

    def on_mount(self) -> None:
        """A still cursor costs nothing."""
        self._filter.cursor_blink = False
        self._retitle()

    def on_resize(self) -> None:
        """Another frame may want another title."""
        self._retitle()

    @property
    def is_filtering(self) -> bool:
        """True while a filter is typed or in force."""
        return self.has_class("-filtering")

    @property
    def is_typing(self) -> bool:
        """True while the filter has the focus."""
        return self._filter.has_focus

    def open_filter(self) -> None:
        """Let the operator type a filter."""
        self.add_class("-filtering")
        self._filter.focus()

    def close_filter(self) -> None:
        """Show everything again."""
        self._filter.value = ""
        self.table.set_filter("")
        self.remove_class("-filtering")

    def lines_wanted(self) -> int:
        """The height at which every instance is seen: borders, table, reason and filter."""
        return self.gutter.height + self.table.lines_wanted + 1 + int(self.is_filtering)

    @on(Input.Changed)
    def apply_filter(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        event.stop()
        self.table.set_filter(event.value)

    @on(Input.Submitted)
    def keep_filter(self, event: Input.Submitted) -> None:
        """Enter leaves the filter in force; an empty one closes."""
        event.stop()
        self._leave_filter(is_kept=True)

    @on(FilterLine.Left)
    def leave_filter(self, event: FilterLine.Left) -> None:
        """Up, down and escape lead back to the table."""
        event.stop()
        self._leave_filter(is_kept=event.is_kept)

    @on(InstanceTable.CursorMoved)
    @on(InstanceTable.ViewChanged)
    def retitle(self) -> None:
        """Say what is shown, in which order, and how much is marked."""
        self._retitle()
        self.show_why()

    def note_rates(self, snapshot: Snapshot) -> None:
        """Remember how fast each instance is, for its curve."""
        self.rates.note(snapshot)

    def show_why(self) -> None:
        """Bring the reason line up to date with the row under the cursor."""
        one = self.table.cursor()
        self._why.show(one, self.rates.of(one.name) if one is not None else ())

    def _leave_filter(self, *, is_kept: bool) -> None:
        if not is_kept or not self.table.filter_text.strip():
            self.close_filter()
        self.table.focus()

    def _retitle(self) -> None:
        table = self.table
        parts = ["Instances"]
        if table.filter_text.strip():
            parts.append(f"{len(table.rows)} of {table.total}")
        if table.view.is_grouped:
            parts.append("by tag")
        if table.view.order != FILE_ORDER and table.view.order.column is not None:
            parts.append(f"by {table.view.order.column.value}")
        if table.marks:
            parts.append(f"{len(table.marks)} marked")
        set_title(self, " · ".join(parts))
