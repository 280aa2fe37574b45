"""What the dashboard does with logs: which one is open, and the keys that work on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on
from textual.timer import Timer

from engine.protocol import Engine
from llama_orch_tui.log_scope import LogScope, choose_merged
from llama_orch_tui.remembered import Remembered
from llama_orch_tui.screens.config_acts import ConfigActs
from llama_orch_tui.screens.log_keys import LogKeys
from widgets.event_list import EventList
from widgets.instance_table import InstanceTable
from widgets.log_pane import LogPane
from widgets.pane_deck import Pane

if TYPE_CHECKING:
    from engine.snapshots import Event, Snapshot

LOG_DELAY_S = 0.15
"""The cursor rests this long on an instance before its log is opened."""


class LogRoom(LogKeys, ConfigActs):
    """A table, and below it the logs of its instances; the dashboard is built on this."""

    snapshot: Snapshot

    def __init__(self, engine: Engine, clock: Callable[[], float], remembered: Remembered) -> None:
        super().__init__(engine, clock, remembered)
        self._scope = LogScope()
        self._log_timer: Timer | None = None

    @property
    def log_pane(self) -> LogPane:
        """The pane below the table."""
        return self.deck.log_pane

    @property
    def is_merged(self) -> bool:
        """True while the log pane shows several instances as one log."""
        return self._scope.is_merged

    @on(InstanceTable.CursorMoved)
    def follow_cursor(self, event: InstanceTable.CursorMoved) -> None:
        """Open the log of the instance under the cursor once it rests there; a merged log stays."""
        self.show_keys()
        self._forget_cursor()
        if self._scope.is_merged:
            return
        if self._scope.is_empty:
            self.open_log(event.name)
        elif event.name != self._scope.name:
            self._log_timer = self.set_timer(LOG_DELAY_S, lambda: self.open_log(event.name))

    def _forget_cursor(self) -> None:
        """What was asked for since the cursor moved is not to be replaced by the log under the cursor."""
        if self._log_timer is not None:
            self._log_timer.stop()
            self._log_timer = None

    def open_log(self, name: str | None) -> None:
        """Show one instance's log, or none."""
        self._forget_cursor()
        self._scope = LogScope((name,) if name is not None else ())
        view = None if name is None else self._engine.open_log(name)
        self.deck.log_pane.watch_log(view, name or "")
        self.show_keys()

    def show_log_at(self, event: Event) -> None:
        """Show the log of an event's instance at the moment of the event."""
        self._forget_cursor()
        if event.instance not in self._scope.names:
            self.deck.table_pane.close_filter()
            self.open_log(event.instance)
            self.deck.table.go_to(event.instance or "")
        self.deck.go_to(Pane.LOG)
        self.deck.log_pane.to_time(event.ts)

    @on(EventList.Chosen)
    def action_log_then(self) -> None:
        """The log at the moment of the event under the cursor; an event without a log is shown whole."""
        chosen = self.deck.events.list.chosen()
        if chosen is not None and self.snapshot.find(chosen.instance or "") is not None:
            self.show_log_at(chosen)
        else:
            self.deck.events.list.open_event()

    def action_log_merge(self) -> None:
        """All instances, or the marked ones, as one log; again: the one under the cursor."""
        if self._scope.is_merged:
            self.open_log(self.deck.table.cursor_name)
            return
        scope = choose_merged(self.deck.table.marks, tuple(one.name for one in self.snapshot.instances))
        if not scope.is_merged:
            self.notify("There is only one log to show.")
            return
        self._forget_cursor()
        self._scope = scope
        self.deck.log_pane.watch_log(self._engine.open_merged_log(scope.names), scope.title, scope.names)
        self.deck.go_to(Pane.LOG)
        self.show_keys()
