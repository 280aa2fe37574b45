"""The following engine: shows what the leader publishes and asks it for acts. One thread."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace

from engine import wire
from engine.clock import Clock
from engine.errors import ExitCode, LeaderVersionError
from engine.paths import Home
from engine.process.reaching import reach
from engine.process.records import get_value, read_record
from engine.seniority import Seniority
from engine.snapshots import Event, LeaderInfo, LeaderKind, Outcome, Request, Snapshot
from engine.supervision.journal import KEPT_EVENTS

CONNECT_LIMIT_S = 2.0
ANSWER_LIMIT_S = 5.0
"""A leader that has not taken a request up by then does not answer: exit 33."""
LOOK_PERIOD_S = 0.5


@dataclass(slots=True)
class _Asked:
    future: Future[Outcome]
    due: float
    """Monotonic moment by which the leader must have taken it up; infinity once it has."""


class FollowingEngine:
    """Follows one leader until its connection closes."""

    def __init__(
        self,
        connection: socket.socket,
        publish: Callable[[Snapshot], None],
        on_lost: Callable[[], None],
        clock: Clock,
        seniority: Seniority,
    ) -> None:
        """`on_lost` is called on the follower's thread when the leader goes."""
        self.refusal: LeaderVersionError | None = None
        """Why this leader cannot be followed at all."""
        self._connection = connection
        self._publish = publish
        self._on_lost = on_lost
        self._clock = clock
        self._seniority = seniority
        self._lock = threading.Lock()
        self._asked: dict[str, _Asked] = {}
        self._unsent: list[bytes] | None = []
        """Requests that wait for the leader's hello; None from then on."""
        self._events: tuple[Event, ...] = ()
        self._latest = Snapshot()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._connection.settimeout(LOOK_PERIOD_S)
        self._send(wire.encode_hello(self._seniority.hello) + wire.encode_subscribe())
        self._thread.start()

    def look(self, *, is_looking: bool) -> None:
        """Tell the leader whether somebody looks at live numbers here."""
        self._send(wire.encode_look(is_looking=is_looking))

    def snapshot(self) -> Snapshot:
        """The newest snapshot heard."""
        return self._latest

    def submit_request(self, request: Request) -> Future[Outcome]:
        """Ask the leader. Completes with exit 33 when it does not take the request up within `ANSWER_LIMIT_S`."""
        future: Future[Outcome] = Future()
        with self._lock:
            self._asked[request.id] = _Asked(future, self._clock.monotonic() + ANSWER_LIMIT_S)
            if self._unsent is not None:
                self._unsent.append(wire.encode_request(request))
                return future
        if not self._send(wire.encode_request(request)):
            self._give_up("the leader has just gone; ask again")
        return future

    def close(self) -> None:
        """Hang up."""
        self._is_closing = True
        with contextlib.suppress(OSError):  # it may be gone already
            self._connection.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()
        self._connection.close()
        self._give_up("the console was closed before the leader answered")

    def _send(self, data: bytes) -> bool:
        try:
            self._connection.sendall(data)
        except OSError:
            return False
        return True

    def _run(self) -> None:
        unread = b""
        while not self._is_closing:
            try:
                data = self._connection.recv(1 << 18)
            except TimeoutError:
                self._expire()
                continue
            except OSError:
                break
            if not data:
                break
            *lines, unread = (unread + data).split(b"\n")
            try:
                for line in lines:
                    self._hear(wire.decode_frame(line))
            except (wire.WireError, LeaderVersionError) as error:
                self.refusal = _explain_refusal(error)
                break  # a leader that speaks another language is no leader for us
            self._expire()
        self._give_up(str(self.refusal or "the leader went before it answered; what it began is in the events"))
        if not self._is_closing:
            self._on_lost()

    def _hear(self, frame: wire.Frame) -> None:
        match frame:
            case wire.Hello():
                self._meet(frame)
            case Snapshot():
                self._events = (self._events + frame.events)[-KEPT_EVENTS:]
                faults = frame.faults + self._seniority.faults
                self._latest = replace(frame, events=self._events, faults=faults, is_leader=False)
                self._publish(self._latest)
            case Outcome():
                with self._lock:
                    asked = self._asked.pop(frame.request_id, None)
                if asked is not None:
                    asked.future.set_result(frame)
            case str():
                with self._lock:
                    if frame in self._asked:
                        self._asked[frame].due = float("inf")
            case _:
                return

    def _meet(self, leader: wire.Hello) -> None:
        """The leader says who it is.

        Raises:
            LeaderVersionError: we cannot talk with each other, and it was not asked to yield.
        """
        if self._seniority.meet(leader):
            self._send(wire.encode_yield())
            if not self._seniority.hello.release.speaks_with(leader.release):
                return  # what is asked waits for the next leader
        with self._lock:
            unsent, self._unsent = self._unsent or [], None
        self._send(b"".join(unsent))

    def _expire(self) -> None:
        now = self._clock.monotonic()
        with self._lock:
            late = [identity for identity, asked in self._asked.items() if asked.due <= now]
        leader = self._latest.leader
        who = f"the leader (PID {leader.pid})" if leader else "the leader"
        self._give_up(f"{who} does not answer", late)

    def _give_up(self, reason: str, which: list[str] | None = None) -> None:
        """Answer requests that the leader will not: those named, or all."""
        with self._lock:
            chosen = list(self._asked) if which is None else which
            lost = {identity: self._asked.pop(identity) for identity in chosen if identity in self._asked}
        for identity, asked in lost.items():
            is_untouched = which is None and asked.due != float("inf")
            asked.future.set_result(Outcome(identity, int(ExitCode.LEADER_TIMEOUT), reason, is_untouched=is_untouched))


def _explain_refusal(error: Exception) -> LeaderVersionError:
    if isinstance(error, LeaderVersionError):
        return error
    return LeaderVersionError(f"what the leader says is not understood ({error}); end it, then retry")


def connect_leader(home: Home) -> socket.socket | None:
    """A connection to the leader; None when nobody listens."""
    return reach(home.leader_socket, CONNECT_LIMIT_S)


def read_leader(home: Home) -> LeaderInfo | None:
    """Who leads, as the leader itself wrote it down; None when that cannot be read."""
    try:
        record = read_record(str(home.leader_record))
        return LeaderInfo(
            int(get_value(record, "pid")),
            LeaderKind(get_value(record, "kind")),
            float(get_value(record, "since")),
            get_value(record, "version"),
        )
    except (OSError, ValueError):
        return None
