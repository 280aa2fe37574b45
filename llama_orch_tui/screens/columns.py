"""Choosing the columns of the table: every change shows at once behind the dialog."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from llama_orch_tui.dialog_keys import DialogKind, bindings_of, frame_hints
from llama_orch_tui.screens.dialog import Dialog
from widgets.table_columns import ALWAYS, KEPT_FIRST, Column
from widgets.table_view import TableView

CHOOSABLE = tuple(column for column in Column if column not in ALWAYS and column in KEPT_FIRST)


class ColumnsScreen(Dialog[None]):
    """A list of columns to switch on and off."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(DialogKind.COLUMNS)]

    def __init__(self, view: TableView, on_change: Callable[[TableView], None]) -> None:
        """`on_change` is told every new view."""
        super().__init__()
        self._view = view
        self._on_change = on_change

    def compose(self) -> ComposeResult:
        """The columns, and the keys."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Columns"
            dialog.border_subtitle = frame_hints(DialogKind.COLUMNS)
            yield OptionList(*(Option(self._prompt(column), id=column.value) for column in CHOOSABLE), markup=False)
            yield Static("A narrow screen drops the last first.", classes="quiet", markup=False)

    def on_mount(self) -> None:
        """Begin at the first column."""
        self._list.highlighted = 0
        self._list.focus()

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    def action_switch(self) -> None:
        """Switch the column under the cursor."""
        self._list.action_select()

    @on(OptionList.OptionSelected)
    def switch(self, event: OptionList.OptionSelected) -> None:
        """Show or hide a column."""
        column = CHOOSABLE[event.option_index]
        self._view = self._view.toggled(column)
        self._list.replace_option_prompt_at_index(event.option_index, self._prompt(column))
        self._on_change(self._view)

    def _prompt(self, column: Column) -> Content:
        return Content(f"{'○' if column in self._view.hidden else '●'} {column.value}")
