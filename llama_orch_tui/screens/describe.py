"""The describe screen: all there is to say about one instance in tabs, kept current while it is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from engine.description import DescribeSection, Description
from engine.errors import EngineError
from engine.protocol import Engine
from engine.snapshots import Act, Event, EventQuery, EventType, InstanceSnapshot, Snapshot
from engine.topics import Topic
from llama_orch_tui.action_kinds import Scope
from llama_orch_tui.actions import in_scopes
from llama_orch_tui.hints import PROMPT_HINTS, hints_for
from llama_orch_tui.keymap import DEFAULT_KEYS, keys_of
from llama_orch_tui.offers import Facts, is_offered_here
from llama_orch_tui.remembered import Remembered
from llama_orch_tui.screens.log_keys import LogKeys
from llama_orch_tui.screens.page import PageScreen
from widgets.describe_tabs import CommandTab, ConfigurationTab, FactTab, HealthTab, OverviewTab
from widgets.event_list import EventList
from widgets.key_footer import KeyFooter
from widgets.log_pane import LogPane
from widgets.motion import Motion
from widgets.rate_history import Measure
from widgets.state_line import StateLine
from widgets.tab_strip import Tab, TabStrip
from widgets.text import clean

BEAT_S = 0.1
REFRESH_S = 1.0
SHOWN_EVENTS = 500
ENDS = frozenset({EventType.EXITED, EventType.STOPPED})
"""After these, nothing is known of the health until the next check."""
REMEMBERED = "describe_tab"
"""The name of the open tab among the remembered choices."""
SCOPES = (Scope.INSTANCE, Scope.PAGE, Scope.DESCRIBE, Scope.LOG, Scope.MOVES)
TOPICS = tuple(Topic)
BRIEF = {Topic.OVERVIEW: "Over", Topic.CONFIGURATION: "Config", Topic.COMMAND: "Cmd"}
TABS = [Tab(str(number), one.value.title(), BRIEF.get(one, one.value.title())) for number, one in enumerate(TOPICS, 1)]


@dataclass(frozen=True, slots=True)
class Room:
    """What the screen needs of the dashboard under it, for its one instance."""

    snapshot: Callable[[], Snapshot]
    """The newest one; the same object until something changes."""
    word: Callable[[], str]
    """What an act on its way will do; empty when there is none."""
    samples: Callable[[Measure], tuple[float, ...]]
    """What the instance made and took in the last minutes."""
    ask: Callable[[Act], None]
    """Ask for an act on the instance; the dashboard tells the outcome."""


class DescribeScreen(LogKeys, PageScreen):
    """State on top, tabs below; facts are read on a worker thread, live numbers come with the snapshots."""

    BINDINGS: ClassVar[list[BindingType]] = [*DEFAULT_KEYS.bindings(*SCOPES)]
    SCOPES = SCOPES
    AUTO_FOCUS = None

    is_of_instance = True

    @dataclass
    class Described(Message):
        """A reading is done."""

        description: Description | None
        events: tuple[Event, ...] = ()
        error: str = ""

    def __init__(
        self, engine: Engine, name: str, room: Room, clock: Callable[[], float], remembered: Remembered
    ) -> None:
        super().__init__()
        self._engine = engine
        self._instance = name
        self._room = room
        self._clock = clock
        self._remembered = remembered
        self.topic = _remembered_topic(remembered)
        """The tab that is open."""
        self._is_reading = False
        self._snapshot: Snapshot | None = None
        self._word = ""
        self._description: Description | None = None
        self._stored: tuple[Event, ...] = ()
        self._state_line = StateLine()
        self._strip = TabStrip(TABS, open_index=TOPICS.index(self.topic))
        self._overview = OverviewTab(id=_tab_id(Topic.OVERVIEW))
        self._configuration = ConfigurationTab(id=_tab_id(Topic.CONFIGURATION))
        self._command = CommandTab(id=_tab_id(Topic.COMMAND))
        self._health = HealthTab(id=_tab_id(Topic.HEALTH))
        self._events = EventList(shows_names=False, id=_tab_id(Topic.EVENTS))
        self._events.nothing = "Nothing has happened yet."
        self._log = LogPane(id=_tab_id(Topic.LOG))
        self._has_log = False

    def compose(self) -> ComposeResult:
        """State, tabs, what the open one tells, keys."""
        with Vertical(id="describe") as frame:
            frame.border_title = Content(clean(self._instance))
            yield self._state_line
            yield self._strip
            with ContentSwitcher(initial=_tab_id(self.topic)):
                yield from (self._overview, self._configuration, self._command, self._health, self._events, self._log)
        yield KeyFooter()

    def page_title(self) -> str:
        """The instance's name."""
        return self._instance

    def take_focus(self) -> None:
        """The open tab takes the moves."""
        tab = self._tab()
        (tab.text if isinstance(tab, LogPane) else tab).focus()

    def compose_page(self) -> list[Widget]:
        """The screen composes itself."""
        return []

    def on_mount(self) -> None:
        """Read now, and again while the page is open."""
        self.open_topic(self.topic)
        self.beat()
        self.set_interval(BEAT_S, self.beat)
        self.set_interval(REFRESH_S, self._read)

    # -- what is shown

    def beat(self) -> None:
        """Draw what is new in the snapshot and in the log."""
        snapshot, word = self._room.snapshot(), self._room.word()
        if snapshot is not self._snapshot or word != self._word:
            before = self._seen()
            self._snapshot, self._word = snapshot, word
            self._show_live()
            if _picture(before) != _picture(self._seen()):
                self._read()
        if self.topic is Topic.LOG:
            self._log.poll()

    @on(Described)
    def show_description(self, event: Described) -> None:
        """Draw what was read; when nothing could be, say why and leave what there is."""
        self._is_reading = False
        self._state_line.tell(event.error)
        if event.description is None:
            if self._description is None:
                self._overview.show([DescribeSection("State", lines=(f"Cannot be described: {event.error}",))])
            return
        told = self._description = event.description
        self._stored = event.events
        self._overview.show([one for one in told.sections if one.topic is Topic.OVERVIEW])
        self._configuration.show(told)
        seen = self._seen()
        self._command.show(told, is_running=seen is not None and seen.pid is not None)
        self._show_health()
        self._show_events()

    def _show_live(self) -> None:
        samples, seen = self._room.samples, self._seen()
        self._state_line.show(seen, self._word, samples(Measure.TOKENS))
        shown = (Measure.TOKENS, Measure.CPU, Measure.MEMORY)
        self._overview.show_curves({measure: samples(measure) for measure in shown})
        self._health.show_latency(samples(Measure.PROBE))
        self._show_health()
        self._show_events()
        self.show_keys()

    def _show_health(self) -> None:
        seen = self._seen()
        points = self._description.health if self._description is not None else ()
        ends = [one.ts for one in self._stored if one.type in ENDS]
        self._health.show(points, seen.health_strip if seen is not None else (), ends, self._clock())

    def _show_events(self) -> None:
        """Stored events and, behind them, what the snapshot has that is not stored yet."""
        known = {(one.ts, one.type, one.message) for one in self._stored}
        live = self._snapshot.events if self._snapshot is not None else ()
        fresh = [one for one in live if one.instance == self._instance and (one.ts, one.type, one.message) not in known]
        rows = tuple(sorted((*self._stored, *fresh), key=lambda one: one.ts))
        if not self._events.is_same(rows):
            chosen = self._events.chosen()
            self._events.show(rows, rows.index(chosen) if chosen in rows else None)

    def _seen(self) -> InstanceSnapshot | None:
        return self._snapshot.find(self._instance) if self._snapshot is not None else None

    # -- reading

    def _read(self) -> None:
        if not self._is_reading:
            self._is_reading = True
            self._describe()

    @work(thread=True, group="describe", exit_on_error=False)
    def _describe(self) -> None:
        try:
            description = self._engine.describe(self._instance)
            events = self._engine.read_events(EventQuery(instance=self._instance, limit=SHOWN_EVENTS))
            self.post_message(self.Described(description, events))
        except (EngineError, OSError) as error:
            self.post_message(self.Described(None, error=str(error)))

    # -- tabs and keys

    @property
    def log_pane(self) -> LogPane:
        """The tab with the log."""
        return self._log

    def open_topic(self, topic: Topic) -> None:
        """Open a tab; the log is opened with its tab."""
        self.topic = topic
        self._strip.open(TOPICS.index(topic))
        self.query_one(ContentSwitcher).current = _tab_id(topic)
        if topic is Topic.LOG and not self._has_log:
            self._has_log = True
            self._log.watch_log(self._engine.open_log(self._instance), self._instance)
        self.take_focus()
        self._remembered.put(REMEMBERED, topic.value)
        self.show_keys()

    def show_keys(self) -> None:
        """The keys that work here and now."""
        footer = self.query_one(KeyFooter)
        if self._log.is_typing:
            footer.show(PROMPT_HINTS[self._log.prompt_kind])
            return
        actions = in_scopes([*SCOPES, Scope.APP])
        facts = self._facts()
        offered = [one for one in actions if self.is_offered(one.method) and is_offered_here(one.id, facts)]
        footer.show(hints_for(offered, keys_of(self.app)))

    def is_offered(self, method: str) -> bool:
        """The log's keys belong to its tab, those of events to theirs."""
        if method.startswith("log_"):
            return self.topic is Topic.LOG
        if method == "event_log":
            return self.topic is not Topic.LOG
        return method != "open_event" or self.topic is Topic.EVENTS

    @on(TabStrip.Picked)
    def open_picked(self, event: TabStrip.Picked) -> None:
        """A click on a tab opens it."""
        self.open_topic(TOPICS[event.index])

    @on(EventList.Opened)
    def show_opened_event(self, event: EventList.Opened) -> None:
        """Show an event whole."""
        from llama_orch_tui.screens.event import EventScreen  # noqa: PLC0415 - only when it is asked for

        self.app.push_screen(EventScreen(event.event))

    @on(EventList.Chosen)
    def action_open_event(self) -> None:
        """The event under the cursor, whole; a double click asks for it, too."""
        self._events.open_event()

    def action_event_log(self) -> None:
        """The log; from the events, at the moment of the one under the cursor."""
        chosen = self._events.chosen() if self.topic is Topic.EVENTS else None
        self.open_topic(Topic.LOG)
        if chosen is not None:
            self._log.to_time(chosen.ts)

    def action_open_tab(self, topic: str) -> None:
        """Open the tab of a topic."""
        self.open_topic(Topic(topic))

    def action_step_tab(self, step: int) -> None:
        """To the next tab, or the one before; round the ends."""
        self.open_topic(TOPICS[(TOPICS.index(self.topic) + step) % len(TOPICS)])

    def action_move(self, motion: str) -> None:
        """Move in the open tab; to the side means another tab where nothing else lies there."""
        tab = self._tab()
        if motion in {Motion.LEFT, Motion.RIGHT} and self.topic is not Topic.LOG:
            self.action_step_tab(1 if motion == Motion.RIGHT else -1)
        else:
            tab.move(Motion(motion))

    def action_close_page(self) -> None:
        """Drop search or filter of the log; without one, back to where it was opened."""
        if self.topic is Topic.LOG and self._log.lift():
            self.show_keys()
        else:
            self.dismiss(None)

    def action_page_crash(self) -> None:
        """The report of its last crash."""
        from llama_orch_tui.screens.crash_report import CrashReportScreen  # noqa: PLC0415 - only when it is asked for

        self.app.push_screen(CrashReportScreen(self._engine, self._instance))

    def action_copy_page(self) -> None:
        """Copy the command line."""
        command_line = self._description.command_line if self._description is not None else ""
        if not command_line:
            self.notify("There is no command line to copy.", severity="warning")
            return
        self.app.copy_to_clipboard(command_line)
        self.notify(command_line, title="Copied")

    def action_start(self) -> None:
        """Start the instance."""
        self._ask(Act.START)

    def action_stop(self) -> None:
        """Stop the instance."""
        self._ask(Act.STOP)

    def action_restart(self) -> None:
        """Restart the instance."""
        self._ask(Act.RESTART)

    def _ask(self, act: Act) -> None:
        if self._seen() is not None:
            self._room.ask(act)
            self.beat()

    def _tab(self) -> FactTab | EventList | LogPane:
        match self.topic:
            case Topic.EVENTS:
                return self._events
            case Topic.LOG:
                return self._log
            case _:
                return self.query_one(f"#{_tab_id(self.topic)}", FactTab)

    def _facts(self) -> Facts:
        log = self._log
        return Facts(seen=self._seen(), has_events=bool(self._events.rows), is_searching=log.search is not None)


def _tab_id(topic: Topic) -> str:
    return f"tab-{topic.value}"


def _remembered_topic(remembered: Remembered) -> Topic:
    """The tab that was open last; people edit files, so any word may stand there."""
    choice = remembered.get(REMEMBERED)
    return Topic(choice) if isinstance(choice, str) and choice in TOPICS else Topic.OVERVIEW


def _picture(seen: InstanceSnapshot | None) -> tuple[object, ...]:
    """What makes reading again worth while before its time."""
    if seen is None:
        return ()
    return seen.state, seen.desired, seen.run_id, seen.pid, seen.restarts, seen.needs_restart, seen.config_error
