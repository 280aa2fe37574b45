"""The engine's face: what a screen or a command may ask of it, whoever leads.

Leading and following engines both meet it, so no caller knows which one it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from engine.snapshots import Stream

if TYPE_CHECKING:  # the dashboard's first paint waits for no data that it does not hold yet
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from engine.conversation import ChatAnswer, ChatMessage
    from engine.description import Description
    from engine.editing import Editor, ModelSearch
    from engine.log_asking import LogFilter, LogPattern, LogWindow
    from engine.snapshots import Act, CrashText, Event, EventQuery, LogLine, Outcome, Snapshot, Target


class Stop(Protocol):
    """What ends something that goes on: a `threading.Event`, or whatever else can be waited for."""

    def is_set(self) -> bool:
        """True once it is time to end."""
        ...

    def wait(self, timeout: float | None = None, /) -> bool:
        """Wait for the end, for so many seconds at most; True when it has come."""
        ...


class LogView(Protocol):
    """A live window on a log, one instance's or several merged.

    Its reader thread does the reading; every method returns at once.
    """

    def window(self) -> LogWindow:
        """The newest published window (poll it; the same object means that nothing changed)."""
        ...

    def resize(self, height: int, fitting: int | None = None) -> None:
        """Tell how many lines the screen shows, and how many of the window's last ones when it breaks long lines."""
        ...

    def scroll(self, lines: int) -> None:
        """Move by this many lines, up when negative; reaching the end follows it again."""
        ...

    def hold(self) -> None:
        """Stay at what is shown, also at the end."""
        ...

    def to_start(self) -> None:
        """Show the oldest kept line."""
        ...

    def to_end(self) -> None:
        """Follow the newest line."""
        ...

    def to_time(self, ts: float) -> None:
        """Show what was read at `ts` (seconds since the epoch), and what came before and after."""
        ...

    def set_filter(self, asked: LogFilter) -> None:
        """Show only what passes; the place in the log stays.

        Raises:
            UsageError: its pattern is no regular expression.
        """
        ...

    def set_search(self, pattern: LogPattern | None) -> None:
        """Count the lines that match, and be ready to go to them; None ends the search.

        Raises:
            UsageError: it is no regular expression.
        """
        ...

    def to_hit(self, *, is_back: bool) -> None:
        """Go to the next line that matches, or to the one before; from the end of the log on to its other end."""
        ...

    def close(self) -> None:
        """Stop reading. Idempotent."""
        ...


class Chat(Protocol):
    """A conversation with one instance. Its own thread does the asking; every method returns at once."""

    def ask(self, messages: tuple[ChatMessage, ...]) -> None:
        """Have the conversation answered, its last message being the question; an answer under way is cancelled."""
        ...

    def answer(self) -> ChatAnswer:
        """The answer so far (poll it; the same object means that nothing changed)."""
        ...

    def cancel(self) -> None:
        """Break the answer off."""
        ...

    def close(self) -> None:
        """Break off, and end the conversation. Idempotent."""
        ...


class Engine(Protocol):
    """The supervisor, here or in another process.

    ``snapshot``, ``look``, ``submit``, ``open_log`` and ``open_chat`` return at once and are safe on a UI thread;
    the ``read_*`` methods, ``count_events``, ``iter_log`` and ``describe`` touch files and belong on a worker thread.
    """

    def snapshot(self) -> Snapshot:
        """The newest published snapshot (the same object until something changes)."""
        ...

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        """Call `listener` with the present snapshot, then with each new one, at most 10 a second.

        It runs on an engine thread and must return quickly. Returns the function that ends the subscription.
        """
        ...

    def look(self, *, is_looking: bool) -> None:
        """Say whether somebody looks at live numbers (tokens/s, slots, context): only then servers are asked for them.

        Whoever leads has them read and publishes them in its snapshots, to followers, too.
        """
        ...

    def submit(self, act: Act, target: Target) -> Future[Outcome]:
        """Ask for an act. The future always completes: refusals and time-outs are outcomes, not exceptions."""
        ...

    def read_events(self, query: EventQuery) -> tuple[Event, ...]:
        """Stored events, oldest first.

        Raises:
            StateError: the database cannot be read.
        """
        ...

    def count_events(self) -> int:
        """How many events are stored.

        Raises:
            StateError: the database cannot be read.
        """
        ...

    def read_log(self, name: str, lines: int, stream: Stream = Stream.BOTH) -> tuple[LogLine, ...]:
        """The last `lines` lines of an instance's log, rotated pieces included.

        Raises:
            NoSuchInstanceError: neither the configuration nor the log folder knows the name.
        """
        ...

    def iter_log(self, names: tuple[str, ...], asked: LogFilter) -> Iterator[LogLine]:
        """All kept lines of one instance's log, or of several merged by time of reading, that pass; oldest first.

        They are read while they are asked for, on the thread that asks.

        Raises:
            LogError: while it goes on: a folder or a file cannot be read.
            UsageError: the pattern of the filter is no regular expression.
        """
        ...

    def open_log(self, name: str) -> LogView:
        """A live window on an instance's log, at its end."""
        ...

    def open_merged_log(self, names: tuple[str, ...]) -> LogView:
        """A live window on the logs of several instances as one, by time of reading."""
        ...

    def open_chat(self, name: str) -> Chat:
        """A conversation with an instance, whoever leads."""
        ...

    def describe(self, name: str) -> Description:
        """All there is to say about one instance.

        Raises:
            NoSuchInstanceError: the configuration does not know the name.
        """
        ...

    def read_crash_report(self, name: str) -> CrashText | None:
        """The report of an instance's newest unwanted end; None when it never had one that is still kept.

        Raises:
            CrashReportError: there is one, and it cannot be read.
        """
        ...

    def open_editor(self) -> Editor:
        """What changes the configuration file, whoever leads. Belongs on a worker thread, as all that it does."""
        ...

    def search_models(self) -> ModelSearch:
        """Begin to look for GGUF models on this machine. Returns at once."""
        ...

    def close(self, *, stop_instances: bool = False) -> None:
        """End every thread of the engine; the models run on unless `stop_instances`. Idempotent."""
        ...
