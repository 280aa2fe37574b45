"""What the dashboard does with events: which are shown, where older ones come from, and the file they are saved in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from textual import on, work
from textual.message import Message
from textual.timer import Timer
from textual.worker import get_current_worker

from engine.errors import EngineError
from engine.plural import format_count
from engine.protocol import Engine
from engine.snapshots import Event, EventType, parse_event_type
from llama_orch_tui.remembered import Remembered
from llama_orch_tui.screens.log_room import LogRoom
from widgets.event_book import OlderEvents
from widgets.event_list import EventList
from widgets.event_pane import EventPane
from widgets.event_sieve import EventSieve
from widgets.instance_table import InstanceTable
from widgets.pane_deck import Pane
from widgets.pane_prompt import PromptKind

TYPING_DELAY_S = 0.15
"""A filter that is being typed rests this long before the event log is read for it."""


class EventRoom(LogRoom):
    """A table, the events of its instances, and their logs; the dashboard is built on this."""

    @dataclass
    class OlderRead(Message):
        """The event log was read, or (with a problem) could not be."""

        sieve: EventSieve
        older: OlderEvents
        problem: str = ""

    @dataclass
    class EventsSaved(Message):
        """The file is written, or (with a problem) it is not."""

        path: str
        count: int = 0
        problem: str = ""

    def __init__(self, engine: Engine, clock: Callable[[], float], remembered: Remembered) -> None:
        super().__init__(engine, clock, remembered)
        self._reading_timer: Timer | None = None

    @on(InstanceTable.CursorMoved)
    def follow_marks(self) -> None:
        """While the events are those of the chosen instances, they follow cursor and marks."""
        if self.deck.events.sieve.names:
            self._choose_instances()

    @on(EventPane.StateChanged)
    def follow_event_state(self) -> None:
        """A search brings keys along, and a filter something to lift."""
        self.show_keys()

    @on(EventList.Opened)
    def show_opened_event(self, event: EventList.Opened) -> None:
        """Show an event whole."""
        from llama_orch_tui.screens.event import EventScreen  # noqa: PLC0415 - the first paint waits for no dialog

        self.app.push_screen(EventScreen(event.event))

    # -- the keys

    def action_show_event(self) -> None:
        """The event under the cursor, whole."""
        self.deck.events.list.open_event()

    def action_event_search(self) -> None:
        """Type what to look for."""
        self._open_event_prompt(PromptKind.SEARCH)

    def action_event_filter(self) -> None:
        """Type what is to be shown alone."""
        self._open_event_prompt(PromptKind.FILTER)

    def action_event_hit(self, step: int) -> None:
        """To the next hit, or the one before."""
        self.deck.events.to_hit(is_back=step < 0)
        self.show_keys()

    def action_event_instance(self) -> None:
        """Only the events of the marked instances or the one under the cursor; again: of all."""
        if self.deck.events.sieve.names:
            self.deck.events.sift(replace(self.deck.events.sieve, names=()))
        else:
            self._choose_instances()

    def action_event_level(self) -> None:
        """All events, warnings and errors, errors."""
        self.deck.events.sift(self.deck.events.sieve.next_level())

    def action_event_type(self) -> None:
        """Choose a type, those that are here first."""
        from llama_orch_tui.screens.questions import type_question  # noqa: PLC0415 - not for the first paint

        pane = self.deck.events
        chosen = pane.list.chosen()
        here = pane.sieve.type or (chosen.type if chosen is not None else None)
        self.app.push_screen(type_question(pane.count_types(), str(here or "")), self._choose_type)

    def action_event_save(self) -> None:
        """Type the name of a file for what is shown."""
        from llama_orch_tui.event_export import propose_name  # noqa: PLC0415 - likewise

        self._open_event_prompt(PromptKind.FILE, propose_name(self.deck.events.sieve, self._clock()))

    def action_crash_report(self) -> None:
        """The report of the last crash of the instance under the cursor."""
        if (name := self.table.cursor_name) is not None:
            from llama_orch_tui.screens.crash_report import CrashReportScreen  # noqa: PLC0415 - not for the first paint

            self.app.push_screen(CrashReportScreen(self._engine, name))

    def lift_events(self) -> bool:
        """End the search, or show all events again, if their pane has the focus; True when there was something."""
        return self.deck.present is Pane.EVENTS and self.deck.events.lift()

    def _choose_instances(self) -> None:
        names = tuple(one.name for one in self.table.chosen())
        if names:
            self.deck.events.sift(replace(self.deck.events.sieve, names=names))

    def _choose_type(self, answer: str | None) -> None:
        if answer is not None:
            kind: EventType | str | None = parse_event_type(answer) if answer else None
            self.deck.events.sift(replace(self.deck.events.sieve, type=kind))

    def _open_event_prompt(self, kind: PromptKind, text: str = "") -> None:
        self.deck.events.open_prompt(kind, text)
        self.show_keys()

    # -- older events

    @on(EventPane.OlderAsked)
    def fetch_older(self, event: EventPane.OlderAsked) -> None:
        """Read what is stored; while somebody types, only once he rests."""
        if self._reading_timer is not None:
            self._reading_timer.stop()
        if event.is_typing:
            self._reading_timer = self.set_timer(TYPING_DELAY_S, lambda: self._read_older(event))
        else:
            self._read_older(event)

    @work(thread=True, group="older-events", exclusive=True, exit_on_error=False)
    def _read_older(self, asked: EventPane.OlderAsked) -> None:
        from llama_orch_tui.event_reading import ReadingOrder, read_older  # noqa: PLC0415 - likewise

        worker = get_current_worker()
        order = ReadingOrder(asked.sieve, asked.before, asked.goal)
        try:
            older = read_older(self._engine, order, lambda: worker.is_cancelled)
        except EngineError as error:
            self.post_message(self.OlderRead(asked.sieve, OlderEvents(), str(error)))
        else:
            if not worker.is_cancelled:
                self.post_message(self.OlderRead(asked.sieve, older))

    @on(OlderRead)
    def show_older(self, event: OlderRead) -> None:
        """Show what was read, or say why nothing could be."""
        if event.problem:
            self.deck.events.give_up_reading(event.sieve)
            self.notify(event.problem, title="Older events", severity="error")
        else:
            self.deck.events.take_older(event.sieve, event.older)
        self.show_keys()

    # -- saving

    @on(EventPane.FileNamed)
    def save_as(self, event: EventPane.FileNamed) -> None:
        """Save what is shown under the name that was typed."""
        self._save_events(event.text, self.deck.events.sieve, self.deck.events.list.rows)

    @work(thread=True, group="save-events", exit_on_error=False)
    def _save_events(self, text: str, sieve: EventSieve, shown: tuple[Event, ...]) -> None:
        from llama_orch_tui.event_export import save_events  # noqa: PLC0415 - likewise

        worker = get_current_worker()
        try:
            path = Path(text).expanduser().absolute()
            count = save_events(self._engine, sieve, shown, path, lambda: worker.is_cancelled)
        except FileExistsError:
            self.post_message(self.EventsSaved(text, problem="is there already: choose another name"))
        except (OSError, RuntimeError, ValueError) as error:  # no such folder, no such user, a zero byte
            said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self.post_message(self.EventsSaved(text, problem=said))
        except EngineError as error:
            self.post_message(self.EventsSaved(text, problem=str(error)))
        else:
            self.post_message(self.EventsSaved(str(path), count))

    @on(EventsSaved)
    def tell_saved(self, event: EventsSaved) -> None:
        """Say where the events are, or let another name be typed."""
        pane = self.deck.events
        if event.problem and pane.is_typing and pane.prompt_kind is PromptKind.FILE:
            pane.tell(event.problem)
        elif event.problem:
            self.notify(f"{event.path}: {event.problem}", title="Not saved", severity="error")
        else:
            pane.leave_prompt()
            self.notify(f"{format_count(event.count, 'event')}: {event.path}", title="Saved")
        self.show_keys()
