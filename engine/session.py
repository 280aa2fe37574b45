"""The engine as a console holds it: it leads when nobody else does, else follows, and takes over when the leader goes.

`Session` meets `engine.protocol.Engine`; which of the two implementations works behind it, nobody needs to know.
"""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

from engine import wire
from engine.chat import Chats, find_target
from engine.clock import Clock
from engine.errors import LeaderTimeoutError, LockUnsupportedError, StateError
from engine.following import FollowingEngine, connect_leader
from engine.leading import REQUEST_LIFE_S, LeadingEngine
from engine.locking import Holder, KernelLock, supervisor_lock
from engine.log_asking import LogFilter
from engine.logs.reader import read_tail
from engine.logs.view import LogViews
from engine.logs.whole import iter_whole_log
from engine.models.search import ModelSearchThread
from engine.paths import Home
from engine.process import system
from engine.protocol import Chat, LogView
from engine.publisher import Publisher
from engine.seniority import Seniority
from engine.snapshots import (
    Act,
    CrashText,
    Event,
    EventQuery,
    Fault,
    LeaderInfo,
    LeaderKind,
    Level,
    LogLine,
    Outcome,
    Request,
    Snapshot,
    Stream,
    Target,
)
from engine.state.events import count_stored_events, get_recent_events
from engine.supervision.crash_reports import read_newest_report
from engine.versions import Release
from engine.wishes import Prospects, Wishes

if TYPE_CHECKING:
    from engine.description import Description
    from engine.editing import Editor, ModelSearch

TRY_PERIOD_S = 0.5
"""How often a follower tries the lock beside hearing its leader go: far below the 2 s in which one must lead again."""
GUARD_PERIOD_S = 1.0
"""How often a leader looks whether its lock file, its database and its socket are still there."""


class Session:
    """One console's engine. Its thread `succession` owns the lock and the present engine."""

    def __init__(
        self,
        home: Home,
        kind: LeaderKind,
        version: str,
        *,
        clock: Clock | None = None,
        scope: frozenset[str] | None = None,
        is_demo: bool = False,
    ) -> None:
        self._home = home
        self._kind = kind
        self._version = version
        self._clock = clock or Clock()
        self._scope = scope
        self._is_demo = is_demo
        self._publisher = Publisher()
        self._views = LogViews()
        self._chats = Chats()
        self._lock = supervisor_lock(home, kind.value)
        self._seniority = Seniority(
            home,
            wire.Hello(Release(version), os.getpid(), kind.value),
            self._clock,
            claims=kind is not LeaderKind.CLI,
        )
        self._engine: LeadingEngine | FollowingEngine | None = None
        self._wake = threading.Event()
        self._settled = threading.Event()
        self._error: Exception | None = None
        self._is_closing = False
        self._stops_instances = False
        self._is_aside = False
        self._stood_aside = threading.Event()
        self._children: set[int] = set()
        """Keepers of runs that this process started when it led before."""
        self._is_looking = False
        self._wishes = Wishes(self._clock, self._prospects)
        self._thread = threading.Thread(target=self._run, name="succession", daemon=True)

    def open(self) -> None:
        """Begin in the background; the first snapshot comes when there is one."""
        system.make_private_dir(str(self._home.state_dir))
        self._thread.start()

    def wait_until_open(self, timeout_s: float) -> None:
        """Wait until it leads or follows.

        Raises:
            StateError: the database is damaged, or newer than this program.
            OSError: the state folder or its lock cannot be used.
            LockUnsupportedError: the file system knows no locks.
            LeaderTimeoutError: somebody holds the lock and does not answer, or the state folder does not.
            LeaderVersionError: the leader is of a release that this one cannot talk with.
        """
        if not self._settled.wait(timeout_s):
            raise _explain_wait(self._home, self._lock, timeout_s)
        if self._error is not None:
            raise self._error

    # -- the face

    def snapshot(self) -> Snapshot:
        """The newest published snapshot."""
        return self._publisher.snapshot

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        """Be told the present, then the future."""
        return self._publisher.subscribe(listener)

    def look(self, *, is_looking: bool) -> None:
        """Say whether somebody looks at live numbers."""
        self._is_looking = is_looking
        if (engine := self._engine) is not None:
            engine.look(is_looking=is_looking)

    def submit(self, act: Act, target: Target) -> Future[Outcome]:
        """Ask whoever leads for an act."""
        now = self._clock.wall()
        request = Request(uuid.uuid4().hex, act, target, self._kind.value, now, now + REQUEST_LIFE_S)
        return self._wishes.ask(request)

    def _prospects(self) -> Prospects:
        return Prospects(self._engine, self._error, self._is_closing)

    def read_events(self, query: EventQuery) -> tuple[Event, ...]:
        """Stored events, oldest first."""
        return get_recent_events(self._home.state_file, query)

    def count_events(self) -> int:
        """How many events are stored."""
        return count_stored_events(self._home.state_file)

    def read_log(self, name: str, lines: int, stream: Stream = Stream.BOTH) -> tuple[LogLine, ...]:
        """The last lines of an instance's log."""
        return read_tail(self._home.instance_logs(name), lines, stream)

    def iter_log(self, names: tuple[str, ...], asked: LogFilter) -> Iterator[LogLine]:
        """All kept lines of one log, or of several as one, that pass."""
        return iter_whole_log({name: self._home.instance_logs(name) for name in names}, asked)

    def open_log(self, name: str) -> LogView:
        """A live window on an instance's log."""
        return self._views.open(name, self._home.instance_logs(name))

    def open_chat(self, name: str) -> Chat:
        """A conversation with an instance."""
        return self._chats.open(lambda: find_target(self._home, name, self.snapshot()), self._clock)

    def open_merged_log(self, names: tuple[str, ...]) -> LogView:
        """A live window on the logs of several instances as one."""
        return self._views.open(", ".join(names), {name: self._home.instance_logs(name) for name in names})

    def describe(self, name: str) -> Description:
        """All there is to say about one instance."""
        from engine.describe import describe_instance  # noqa: PLC0415 - a megabyte that most consoles never need

        return describe_instance(self._home, name, self.snapshot(), os.environ)

    def read_crash_report(self, name: str) -> CrashText | None:
        """The report of an instance's newest unwanted end."""
        return read_newest_report(self._home, name)

    def open_editor(self) -> Editor:
        """What changes the configuration file."""
        from engine.config.editor import ConfigEditor  # noqa: PLC0415 - tomlkit comes along: likewise

        return ConfigEditor(self._home, os.environ, self.reload_config)

    def search_models(self) -> ModelSearch:
        """Begin to look for models."""
        search = ModelSearchThread(self._home, os.environ)
        search.start()
        return search

    def reload_config(self) -> None:
        """Have the leading engine read the configuration file now; a follower's leader looks by itself."""
        if isinstance(engine := self._engine, LeadingEngine):
            engine.reload_config()

    def count_clients(self) -> int:
        """How many consoles and commands are connected to this one; 0 while it does not lead."""
        return engine.count_clients() if isinstance(engine := self._engine, LeadingEngine) else 0

    def has_successor(self) -> bool:
        """True while this one leads and somebody waits to lead after it."""
        return isinstance(engine := self._engine, LeadingEngine) and engine.has_successor()

    def stand_aside(self, timeout_s: float) -> bool:
        """Let go of the lead, and neither lead nor follow until `step_back`: this process is about to be suspended.

        False when that is not done within `timeout_s` seconds; it is under way then.
        """
        self._stood_aside.clear()
        self._is_aside = True
        self._wake.set()
        return self._stood_aside.wait(timeout_s)

    def step_back(self) -> None:
        """Lead or follow again, after `stand_aside`. Returns at once."""
        self._is_aside = False
        self._wake.set()

    def close(self, *, stop_instances: bool = False) -> None:
        """End every thread of the engine; the models run on unless `stop_instances`. Idempotent."""
        self._stops_instances = stop_instances
        self._is_closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._wishes.ask_again()
        self._views.close()
        self._chats.close()

    # -- the succession

    def _run(self) -> None:
        while not self._is_closing:
            self._wake.clear()
            try:
                self._take_part()
            except (StateError, LockUnsupportedError, OSError) as error:
                self._fail(error)
                self._wake.wait(GUARD_PERIOD_S)  # then again: whatever it is may be mended by then

    def _take_part(self) -> None:
        """Lead or follow until that changes."""
        if self._is_aside:
            self._stood_aside.set()
            self._wake.wait()
        elif self._seniority.may_lead() and self._lock.try_acquire():
            self._lead()
        else:
            self._follow()

    def _lead(self) -> None:
        leader = LeaderInfo(os.getpid(), self._kind, self._clock.wall(), self._version)
        try:
            if self._seniority.is_outdated():
                return  # by whoever held the lock a moment ago
            engine = LeadingEngine(
                self._home,
                leader,
                self._publish_good,
                clock=self._clock,
                scope=self._scope,
                is_demo=self._is_demo,
            )
            self._engine = engine
            engine.look(is_looking=self._is_looking)
            self._settled.set()
            self._wishes.ask_again()
            while not self._is_leaving() and self._may_go_on(engine):
                self._wake.wait(GUARD_PERIOD_S)
                self._wake.clear()  # whoever wakes says first what for: the loop looks at it next
                engine.tidy_up()
                self._collect()
            self._step_down(engine)
        finally:
            self._lock.release()

    def _is_leaving(self) -> bool:
        return self._is_closing or self._is_aside

    def _may_go_on(self, engine: LeadingEngine) -> bool:
        """True while its files are where everybody looks for them, and no newer release is to lead."""
        return self._lock.is_same() and engine.may_go_on() and not self._seniority.is_outdated()

    def _step_down(self, engine: LeadingEngine) -> None:
        """Lead no more; the reason is told when it is another release."""
        newer = engine.newer
        if self._seniority.error is not None:
            engine.tell_yielding(str(self._seniority.error), Level.ERROR)
        elif newer is not None:
            self._finish_what_is_asked(engine)
            self._seniority.step_aside()
            engine.tell_yielding(f"yields to {newer.describe()} of version {newer.release.program}", Level.INFO)
        self._engine = None
        engine.close(stop_instances=self._stops_instances)
        self._children |= engine.uncollected()

    def _finish_what_is_asked(self, engine: LeadingEngine) -> None:
        until = self._clock.monotonic() + REQUEST_LIFE_S
        while not self._is_leaving() and self._clock.monotonic() < until:
            if engine.finish_what_is_asked(GUARD_PERIOD_S):
                return

    def _collect(self) -> None:
        """Leave no zombies of keepers that ended after this process had stepped down."""
        self._children = {pid for pid in self._children if not system.reap_child(pid)}

    def _follow(self) -> None:
        connection = connect_leader(self._home)
        if connection is None:
            if self._seniority.error is not None:
                self._fail(self._seniority.error, "version")
            self._wake.wait(TRY_PERIOD_S)  # between two leaders, or before the new one listens
            self._wishes.ask_again()
            return
        engine = FollowingEngine(connection, self._publish_good, self._wake.set, self._clock, self._seniority)
        engine.start()
        self._engine = engine
        engine.look(is_looking=self._is_looking)
        self._wishes.ask_again()
        while not self._wake.wait(GUARD_PERIOD_S if self._children else None):
            self._collect()
        if self._is_closing and self._stops_instances:
            _ask_to_stop_everything(engine, self._kind, self._clock.wall())
        self._engine = None
        engine.close()
        if engine.refusal is not None and not self._is_closing:
            self._fail(engine.refusal, "version")
            self._wake.clear()
            self._wake.wait(TRY_PERIOD_S)

    def _publish_good(self, snapshot: Snapshot) -> None:
        """On the engine's thread: there is a leader, and it is understood."""
        self._error = None
        self._settled.set()
        self._publisher.publish(snapshot)

    def _fail(self, error: Exception, key: str = "engine") -> None:
        """There can be no engine, as things are: say so to whoever waits, and on the screen.

        What is told as ``engine`` may be mended while this process lives; ``version`` may not.
        """
        if str(self._error) == str(error):
            return
        self._error = error
        self._wishes.ask_again()
        now = self._clock.wall()
        fault = Fault(key, str(error), now)
        known = replace(self._publisher.snapshot, seq=-1, taken_at=now, leader=None, is_leader=False)
        self._publisher.publish(replace(known, faults=(fault,)))
        self._settled.set()


def _ask_to_stop_everything(engine: FollowingEngine, kind: LeaderKind, now: float) -> None:
    request = Request(uuid.uuid4().hex, Act.STOP, Target(everything=True), kind.value, now, now + REQUEST_LIFE_S)
    with contextlib.suppress(TimeoutError):  # the leader has its orders all the same
        engine.submit_request(request).result(REQUEST_LIFE_S)


def _explain_wait(home: Home, lock: KernelLock, timeout_s: float) -> LeaderTimeoutError:
    """Why there is neither a lead nor a leader to follow after `timeout_s` seconds."""
    if lock.is_held:
        return LeaderTimeoutError(
            f"{home.state_dir}: not ready to lead within {timeout_s:g} s; "
            "see whether another program keeps the database or the disk busy, then retry"
        )
    holder = lock.find_holder() or Holder()
    return LeaderTimeoutError(
        f"{home.supervisor_lock}: held by {holder.describe()}, which does not answer; end it, then retry",
        holder=holder.pid,
        since=holder.since,
    )
