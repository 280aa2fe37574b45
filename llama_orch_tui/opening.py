"""An engine that opens behind the first paint: the screen is there at once, supervision a moment later."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING

from engine.log_asking import LogWindow
from engine.snapshots import Act, CrashText, Event, EventQuery, LogLine, Outcome, Snapshot, Stream, Target

if TYPE_CHECKING:
    from engine.conversation import ChatAnswer, ChatMessage
    from engine.description import Description
    from engine.editing import Editor, ModelSearch, SearchState
    from engine.log_asking import LogFilter, LogPattern
    from engine.protocol import Chat, LogView
    from engine.session import Session

NOT_YET = "the engine is still opening; press the key again"


class _ClosedView:
    """A log window for the moment before there is an engine: empty, and soon replaced."""

    def __init__(self, name: str) -> None:
        self._window = LogWindow(name)

    def window(self) -> LogWindow:
        """The empty window."""
        return self._window

    def resize(self, height: int, fitting: int | None = None) -> None:
        """Nothing is shown yet."""

    def scroll(self, lines: int) -> None:
        """Nothing is shown yet."""

    def hold(self) -> None:
        """Nothing is shown yet."""

    def to_start(self) -> None:
        """Nothing is shown yet."""

    def to_end(self) -> None:
        """Nothing is shown yet."""

    def to_time(self, ts: float) -> None:
        """Nothing is shown yet."""

    def set_filter(self, asked: LogFilter) -> None:
        """Nothing is shown yet."""

    def set_search(self, pattern: LogPattern | None) -> None:
        """Nothing is shown yet."""

    def to_hit(self, *, is_back: bool) -> None:
        """Nothing is shown yet."""

    def close(self) -> None:
        """Nothing is open."""


class _ClosedChat:
    """A conversation for the moment before there is an engine."""

    def ask(self, messages: tuple[ChatMessage, ...]) -> None:
        """Nobody can be asked yet."""

    def answer(self) -> ChatAnswer:
        """Why not."""
        from engine.conversation import ChatAnswer, ChatStatus  # noqa: PLC0415 - the first paint waits for no answer

        return ChatAnswer(ChatStatus.FAILED, error=NOT_YET)

    def cancel(self) -> None:
        """Nothing is under way."""

    def close(self) -> None:
        """Nothing is open."""


class _LateSearch:
    """A search that was asked for before there was an engine: it begins as soon as there is one."""

    def __init__(self, begin: Callable[[], ModelSearch | None]) -> None:
        from engine.editing import SearchState  # noqa: PLC0415 - nor for a search

        self._begin = begin
        self._nothing = SearchState()
        self._search: ModelSearch | None = None
        self._is_closed = False

    def state(self) -> SearchState:
        """What has been found; nothing yet before it has begun."""
        if self._search is None and not self._is_closed:
            self._search = self._begin()
        return self._search.state() if self._search is not None else self._nothing

    def close(self) -> None:
        """End it, begun or not."""
        self._is_closed = True
        if self._search is not None:
            self._search.close()


class OpeningEngine:
    """Meets `engine.protocol.Engine`; makes the real session on a thread of its own when `open` is called."""

    def __init__(self, make: Callable[[], Session]) -> None:
        self._make = make
        self._session: Session | None = None
        self._is_looking = False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._open, name="engine-opener", daemon=True)

    def open(self) -> None:
        """Begin to open; returns at once."""
        self._thread.start()

    def _open(self) -> None:
        try:
            session = self._make()
            session.look(is_looking=self._is_looking)
            session.open()
            self._session = session
            session.look(is_looking=self._is_looking)  # what was said meanwhile
        finally:
            self._ready.set()

    def snapshot(self) -> Snapshot:
        """The newest published snapshot; an empty one until the engine is open."""
        return self._session.snapshot() if self._session is not None else _NOTHING

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        """Be told the present, then the future; waits for the engine."""
        return self._wait().subscribe(listener)

    def look(self, *, is_looking: bool) -> None:
        """Say whether somebody looks at live numbers."""
        self._is_looking = is_looking
        if self._session is not None:
            self._session.look(is_looking=is_looking)

    def submit(self, act: Act, target: Target) -> Future[Outcome]:
        """Ask for an act."""
        if self._session is not None:
            return self._session.submit(act, target)
        future: Future[Outcome] = Future()
        future.set_result(Outcome("", 33, NOT_YET))
        return future

    def read_events(self, query: EventQuery) -> tuple[Event, ...]:
        """Stored events, oldest first."""
        return self._wait().read_events(query)

    def count_events(self) -> int:
        """How many events are stored."""
        return self._wait().count_events()

    def read_log(self, name: str, lines: int, stream: Stream = Stream.BOTH) -> tuple[LogLine, ...]:
        """The last lines of an instance's log."""
        return self._wait().read_log(name, lines, stream)

    def iter_log(self, names: tuple[str, ...], asked: LogFilter) -> Iterator[LogLine]:
        """All kept lines of one log, or of several as one, that pass."""
        return self._wait().iter_log(names, asked)

    def open_log(self, name: str) -> LogView:
        """A live window on an instance's log."""
        return self._session.open_log(name) if self._session is not None else _ClosedView(name)

    def open_chat(self, name: str) -> Chat:
        """A conversation with an instance."""
        return self._session.open_chat(name) if self._session is not None else _ClosedChat()

    def open_merged_log(self, names: tuple[str, ...]) -> LogView:
        """A live window on the logs of several instances as one."""
        return self._session.open_merged_log(names) if self._session is not None else _ClosedView(", ".join(names))

    def describe(self, name: str) -> Description:
        """All there is to say about one instance; waits for the engine."""
        return self._wait().describe(name)

    def read_crash_report(self, name: str) -> CrashText | None:
        """The report of an instance's newest unwanted end; waits for the engine."""
        return self._wait().read_crash_report(name)

    def open_editor(self) -> Editor:
        """What changes the configuration file; waits for the engine."""
        return self._wait().open_editor()

    def search_models(self) -> ModelSearch:
        """Begin to look for models."""
        return _LateSearch(lambda: self._session.search_models() if self._session is not None else None)

    def has_successor(self) -> bool:
        """True while somebody waits to lead after this one."""
        return self._session is not None and self._session.has_successor()

    def stand_aside(self, timeout_s: float) -> bool:
        """Let go of the lead until `step_back`; False when that takes longer than `timeout_s` seconds."""
        return self._session is None or self._session.stand_aside(timeout_s)

    def step_back(self) -> None:
        """Lead or follow again."""
        if self._session is not None:
            self._session.step_back()

    def close(self, *, stop_instances: bool = False) -> None:
        """End the engine, if it was ever opened."""
        if self._thread.ident is None:
            return
        self._thread.join()
        if self._session is not None:
            self._session.close(stop_instances=stop_instances)

    def _wait(self) -> Session:
        self._ready.wait()
        if self._session is None:
            raise RuntimeError("the engine could not be opened")
        return self._session


_NOTHING = Snapshot()
