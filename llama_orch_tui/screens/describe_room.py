"""The way from the dashboard to the pages about one instance or one event, and what these need of it."""

from __future__ import annotations

from collections.abc import Callable

from textual import on

from engine.protocol import Engine
from engine.snapshots import Act
from llama_orch_tui.desk import ActDesk
from llama_orch_tui.remembered import Remembered
from llama_orch_tui.screens.event_room import EventRoom
from widgets.instance_table import InstanceTable


class DescribeRoom(EventRoom):
    """A screen over which an instance is described; the dashboard is built on this."""

    def __init__(self, engine: Engine, clock: Callable[[], float], remembered: Remembered) -> None:
        super().__init__(engine, clock, remembered)
        self._desk = ActDesk(engine, clock)

    def ask(self, act: Act, names: tuple[str, ...]) -> None:
        """Ask for an act on these, after a question where one is due; the dashboard knows how."""
        raise NotImplementedError

    @on(InstanceTable.Opened)
    def action_describe(self) -> None:
        """All there is to say about the instance under the cursor; a double click asks for it, too."""
        if (name := self.table.cursor_name) is None:
            return
        from llama_orch_tui.screens.describe import DescribeScreen, Room  # noqa: PLC0415 - not for the first paint

        room = Room(
            snapshot=lambda: self.snapshot,
            word=lambda: self._desk.words.get(name, ""),
            samples=lambda measure: self.deck.table_pane.rates.of(name, measure),
            ask=lambda act: self.ask(act, (name,)),
        )
        self.app.push_screen(DescribeScreen(self._engine, name, room, self._clock, self.remembered))
