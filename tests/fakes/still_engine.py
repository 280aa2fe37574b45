"""An engine that stands still: the test publishes snapshots and log windows, and completes every request itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from engine.conversation import ChatAnswer, ChatMessage, ChatStatus
from engine.description import DescribeSection, Description
from engine.errors import EngineError, NoSuchInstanceError
from engine.log_asking import LogFilter, LogPattern, LogSearch, LogWindow
from engine.snapshots import Act, CrashText, Event, EventQuery, Level, LogLine, Outcome, Snapshot, Stream, Target
from tests.fakes.still_editor import StillEditor, StillSearch


@dataclass
class Submitted:
    """One request, still open until the test completes its future."""

    act: Act
    target: Target
    future: Future[Outcome]

    def complete(self, exit_code: int = 0, message: str = "", changed: tuple[str, ...] = ()) -> None:
        """Answer it, from whatever thread."""
        self.future.set_result(Outcome("request", exit_code, message, changed))


@dataclass
class StillLogView:
    """A log of which the test decides every line."""

    name: str
    published: LogWindow
    calls: list[tuple[str, int]] = field(default_factory=list)
    is_closed: bool = False
    fitting: int | None = None
    asked: LogFilter = field(default_factory=LogFilter)
    """The filter in force."""
    pattern: LogPattern | None = None
    """What is searched."""
    names: tuple[str, ...] = ()
    """The instances that are merged."""

    def window(self) -> LogWindow:
        """What the test published last."""
        return self.published

    def publish(self, window: LogWindow) -> None:
        """Let the pane find this window."""
        self.published = window

    def resize(self, height: int, fitting: int | None = None) -> None:
        """Noted."""
        self.calls.append(("resize", height))
        self.fitting = fitting

    def scroll(self, lines: int) -> None:
        """Noted; upwards pauses as a real view does."""
        self.calls.append(("scroll", lines))
        if lines < 0:
            self.published = replace(self.published, at_end=False)

    def hold(self) -> None:
        """Noted; pauses."""
        self.calls.append(("hold", 0))
        self.published = replace(self.published, at_end=False)

    def to_time(self, ts: float) -> None:
        """Noted; pauses."""
        self.calls.append(("to_time", round(ts)))
        self.published = replace(self.published, at_end=False)

    def set_filter(self, asked: LogFilter) -> None:
        """Noted."""
        self.asked = asked

    def set_search(self, pattern: LogPattern | None) -> None:
        """Noted; nothing is counted before the test says so."""
        self.pattern = pattern
        self.published = replace(self.published, search=None if pattern is None else LogSearch(pattern))

    def to_hit(self, *, is_back: bool) -> None:
        """Noted."""
        self.calls.append(("to_hit", -1 if is_back else 1))

    def to_start(self) -> None:
        """Noted."""
        self.calls.append(("to_start", 0))
        self.published = replace(self.published, at_end=False, top=0.0)

    def to_end(self) -> None:
        """Noted; follows again."""
        self.calls.append(("to_end", 0))
        self.published = replace(self.published, at_end=True, new_lines=0)

    def close(self) -> None:
        """Noted."""
        self.is_closed = True


@dataclass
class StillChat:
    """A conversation of which the test says every answer."""

    name: str
    asked: list[tuple[ChatMessage, ...]] = field(default_factory=list)
    published: ChatAnswer = field(default_factory=ChatAnswer)
    is_closed: bool = False

    def ask(self, messages: tuple[ChatMessage, ...]) -> None:
        """Noted."""
        self.asked.append(messages)
        self.published = ChatAnswer(ChatStatus.WAITING)

    def answer(self) -> ChatAnswer:
        """What the test published last."""
        return self.published

    def cancel(self) -> None:
        """Noted."""
        self.published = replace(self.published, status=ChatStatus.CANCELLED)

    def close(self) -> None:
        """Noted."""
        self.is_closed = True


class StillEngine:
    """Meets `engine.protocol.Engine`; owned by the test's thread."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.published = snapshot or Snapshot()
        self.submitted: list[Submitted] = []
        self.logs: dict[str, LogWindow] = {}
        self.views: list[StillLogView] = []
        self.chats: list[StillChat] = []
        self.descriptions: dict[str, Description] = {}
        self.crash_reports: dict[str, CrashText | EngineError] = {}
        self.stored: tuple[Event, ...] | None = None
        """The event log, oldest first; None stands for what the snapshot holds."""
        self.queries: list[EventQuery] = []
        """What was asked of the event log."""
        self.events_error: EngineError | None = None
        """Why the event log cannot be read."""
        self.gone: set[str] = set()
        """Names that the screen still shows while the engine has lost them."""
        self.editor = StillEditor()
        self.search = StillSearch()
        self.is_closed = False
        self.is_looked_at = False
        """True while somebody wants live numbers."""

    def publish(self, snapshot: Snapshot) -> None:
        """Let the screen find this snapshot."""
        self.published = snapshot

    def snapshot(self) -> Snapshot:
        """What the test published last."""
        return self.published

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        """The present snapshot, once: nothing moves by itself here."""
        listener(self.published)
        return lambda: None

    def look(self, *, is_looking: bool) -> None:
        """Noted."""
        self.is_looked_at = is_looking

    def submit(self, act: Act, target: Target) -> Future[Outcome]:
        """Kept open for the test."""
        request = Submitted(act, target, Future())
        self.submitted.append(request)
        return request.future

    def read_events(self, query: EventQuery) -> tuple[Event, ...]:
        """Of the stored events, or of the snapshot's when the test stored none, those that are meant."""
        self.queries.append(query)
        if self.events_error is not None:
            raise self.events_error
        return tuple(one for one in self._stored() if _is_meant(one, query))[-query.limit :]

    def count_events(self) -> int:
        """How many there are."""
        return len(self._stored())

    def _stored(self) -> tuple[Event, ...]:
        return self.published.events if self.stored is None else self.stored

    def read_log(self, name: str, lines: int, stream: Stream = Stream.BOTH) -> tuple[LogLine, ...]:
        """The last lines of what the test gave."""
        window = self.logs.get(name)
        if window is None:
            raise NoSuchInstanceError(name)
        kept = [one for one in window.lines if stream in {Stream.BOTH, one.stream}]
        return tuple(kept[-lines:])

    def iter_log(self, names: tuple[str, ...], asked: LogFilter) -> Iterator[LogLine]:
        """What the test gave for these names that passes the pattern, by time."""
        find = asked.pattern.compiled().search if asked.pattern is not None else None
        lines = [replace(line, name=name) for name in names if name in self.logs for line in self.logs[name].lines]
        lines.sort(key=lambda line: line.ts or 0.0)
        yield from (line for line in lines if find is None or find(line.text))

    def open_log(self, name: str) -> StillLogView:
        """A view on what the test gave for this name."""
        view = StillLogView(name, self.logs.get(name, LogWindow(name)))
        self.views.append(view)
        return view

    def open_editor(self) -> StillEditor:
        """The test's."""
        return self.editor

    def search_models(self) -> StillSearch:
        """The test's."""
        return self.search

    def open_chat(self, name: str) -> StillChat:
        """A conversation that the test holds."""
        chat = StillChat(name)
        self.chats.append(chat)
        return chat

    def open_merged_log(self, names: tuple[str, ...]) -> StillLogView:
        """A view on what the test gave for these names, by time."""
        title = ", ".join(names)
        lines = [replace(line, name=name) for name in names if name in self.logs for line in self.logs[name].lines]
        window = LogWindow(title, tuple(sorted(lines, key=lambda line: line.ts or 0.0)), size_bytes=99_000, top=0.9)
        view = StillLogView(title, window, names=names)
        self.views.append(view)
        return view

    def describe(self, name: str) -> Description:
        """What the test gave, or the facts of the snapshot."""
        if name in self.descriptions:
            return self.descriptions[name]
        one = self.published.find(name)
        if one is None or name in self.gone:
            raise NoSuchInstanceError(name)
        return Description(name, f"llama-server --alias {name}", (DescribeSection("State", (("state", one.state),)),))

    def read_crash_report(self, name: str) -> CrashText | None:
        """What the test gave; an error when the test gave one."""
        given = self.crash_reports.get(name)
        if isinstance(given, EngineError):
            raise given
        return given

    def close(self, *, stop_instances: bool = False) -> None:
        """Noted."""
        del stop_instances
        self.is_closed = True


def _is_meant(event: Event, query: EventQuery) -> bool:
    levels = list(Level)
    return (
        query.instance in {None, event.instance}
        and query.type in {None, event.type}
        and (query.level is None or levels.index(event.level) >= levels.index(query.level))
        and (query.since is None or event.ts >= query.since)
        and (query.until is None or event.ts <= query.until)
        and (query.before is None or (event.ts, event.id) < query.before)
    )
