"""What the operator does in the table that changes no instance: order, columns, groups, a try at one.

The dashboard is built on this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase

from textual import on, work
from textual.message import Message

from engine.protocol import Engine
from llama_orch_tui.desk import read_command
from llama_orch_tui.remembered import Remembered
from llama_orch_tui.screens.fitted import Fitted
from widgets.instance_table import InstanceTable
from widgets.pane_deck import PaneDeck
from widgets.table_columns import LARGEST_FIRST, WORST_FIRST, Column, Order
from widgets.table_view import FILE, TableView, view_from_choices

REMEMBERED = "table"
"""The name of the table's view among the remembered choices."""
CURSOR_KEYS = "jk"


class TableActs(Fitted[None]):
    """A screen with a table whose view is the operator's, and remembered."""

    @dataclass
    class CommandRead(Message):
        """An instance's command line was read, or could not be."""

        command_line: str
        error: str = ""

    def __init__(self, engine: Engine, clock: Callable[[], float], remembered: Remembered) -> None:
        super().__init__()
        self._engine = engine
        self._clock = clock
        self.deck = PaneDeck(clock=clock, id="panes")
        """Table, events and log."""
        self.remembered = remembered
        """The operator's choices, of earlier runs and of this one."""
        self.table.set_view(view_from_choices(remembered.get(REMEMBERED)))

    def show_keys(self) -> None:
        """Bring the footer up to date; the dashboard knows how."""

    @property
    def table(self) -> InstanceTable:
        """The table of instances."""
        return self.deck.table

    def change_view(self, view: TableView) -> None:
        """Show the table like this, now and in the next run."""
        self.table.set_view(view)
        self.remembered.put(REMEMBERED, view.to_choices())

    def action_sort(self) -> None:
        """Choose the column to order by; the present one again turns the order round."""
        from llama_orch_tui.screens.choice import Choice, ChoiceScreen  # noqa: PLC0415 - not for the first paint

        columns = (None, *Column)
        keys = answer_keys([FILE if column is None else column.value.casefold() for column in columns])
        order = self.table.view.order
        choices = [
            Choice("" if column is None else column.value, key, _order_label(column, order))
            for column, key in zip(columns, keys, strict=True)
        ]
        self.app.push_screen(ChoiceScreen("Order by", "The present one again turns it round.", choices), self._order)

    def _order(self, answer: str | None) -> None:
        if answer is not None:
            column = Column(answer) if answer else None
            view = self.table.view
            self.change_view(replace(view, order=view.order.chosen(column)))

    def action_chat(self) -> None:
        """Try the instance under the cursor."""
        one = self.table.cursor()
        if one is None:
            return
        if one.pid is None or one.port is None:
            why = "has no port to be asked at" if one.pid is not None else f"is {one.state.value}: start it first"
            self.notify(f"{one.name} {why}.", severity="warning")
            return
        from llama_orch_tui.screens.chat import ChatScreen  # noqa: PLC0415 - the first paint waits for no dialog

        self.app.push_screen(ChatScreen(self._engine, one.name, self._clock))

    def action_copy_command(self) -> None:
        """Copy the command line of the instance under the cursor."""
        if self.table.cursor_name is not None:
            self._read_command(self.table.cursor_name)

    @work(thread=True, group="command", exit_on_error=False)
    def _read_command(self, name: str) -> None:
        self.post_message(self.CommandRead(*read_command(self._engine, name)))

    @on(CommandRead)
    def copy_read_command(self, event: CommandRead) -> None:
        """Hand the command line to the terminal's clipboard."""
        if event.error or not event.command_line:
            self.notify(event.error or "There is no command line to copy.", severity="error")
            return
        self.app.copy_to_clipboard(event.command_line)
        self.notify(event.command_line, title="Copied")

    @on(InstanceTable.ColumnPressed)
    def order_by_title(self, event: InstanceTable.ColumnPressed) -> None:
        """A click on a title orders by it; the next one turns the order round."""
        self._order(event.column.value)

    def action_turn_order(self) -> None:
        """The same column, the other way round."""
        view = self.table.view
        self.change_view(replace(view, order=view.order.turned()))

    def action_group(self) -> None:
        """Group by tag, and back."""
        view = self.table.view
        self.change_view(replace(view, is_grouped=not view.is_grouped))

    def action_columns(self) -> None:
        """Choose the columns."""
        from llama_orch_tui.screens.columns import ColumnsScreen  # noqa: PLC0415 - not for the first paint

        self.app.push_screen(ColumnsScreen(self.table.view, self.change_view))


def answer_keys(words: Sequence[str]) -> list[str]:
    """A letter for each word, of its own letters where one is left; none that moves the cursor."""
    keys: list[str] = []
    for word in words:
        free = [key for key in (*word, *ascii_lowercase) if key in ascii_lowercase and key not in CURSOR_KEYS]
        keys.append(next(key for key in free if key not in keys))
    return keys


def _order_label(column: Column | None, order: Order) -> str:
    if column is None:
        return "the file's order" + (" ●" if order.column is None else "")
    if column is order.column:
        return f"{column.value} {'▼' if order.is_descending else '▲'}"
    first = " (largest first)" if column in LARGEST_FIRST else " (worst first)" if column in WORST_FIRST else ""
    return f"{column.value}{first}"
