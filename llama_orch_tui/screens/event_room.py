"""What the dashboard does with events: whose are shown, and how loud they have to be."""

from __future__ import annotations

from dataclasses import replace

from textual import on

from llama_orch_tui.screens.log_room import LogRoom
from widgets.event_sieve import EventSieve
from widgets.instance_table import InstanceTable
from widgets.pane_deck import Pane


class EventRoom(LogRoom):
    """A table, the events of its instances, and their logs; the dashboard is built on this."""

    @on(InstanceTable.CursorMoved)
    def follow_marks(self) -> None:
        """While the events are those of the chosen instances, they follow cursor and marks."""
        if self.deck.events.sieve.names:
            self._choose_instances()

    def action_event_instance(self) -> None:
        """Only the events of the marked instances or the one under the cursor; again: of all."""
        if self.deck.events.sieve.names:
            self.deck.events.sift(replace(self.deck.events.sieve, names=()))
        else:
            self._choose_instances()

    def action_event_level(self) -> None:
        """All events, warnings and errors, errors."""
        self.deck.events.sift(self.deck.events.sieve.next_level())

    def action_crash_report(self) -> None:
        """The report of the last crash of the instance under the cursor."""
        if (name := self.table.cursor_name) is not None:
            from llama_orch_tui.screens.crash_report import CrashReportScreen  # noqa: PLC0415 - not for the first paint

            self.app.push_screen(CrashReportScreen(self._engine, name))

    def lift_event_sieve(self) -> bool:
        """Show all events again, if their pane has the focus and holds some back; True when it did."""
        has_lifted = self.deck.present is Pane.EVENTS and not self.deck.events.sieve.is_open
        if has_lifted:
            self.deck.events.sift(EventSieve())
        return has_lifted

    def _choose_instances(self) -> None:
        names = tuple(one.name for one in self.table.chosen())
        if names:
            self.deck.events.sift(replace(self.deck.events.sieve, names=names))
