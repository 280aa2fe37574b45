"""`daemon run`: the engine without a screen, in the foreground."""

from __future__ import annotations

import os
import signal
import threading

import engine
from engine.errors import ExitCode
from engine.snapshots import Event, LeaderInfo, LeaderKind, Snapshot
from llama_orch_tui import __version__, output

OPEN_LIMIT_S = 5.0
LOOK_PERIOD_S = 0.05


def run_daemon() -> int:
    """Lead, or stand by while another leads, until SIGTERM or SIGINT; events are printed as they happen.

    Raises:
        DaemonError: another daemon leads already.
        EngineError: there can be no engine.
    """
    home = engine.find_home(os.environ)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    session = engine.Session(home, LeaderKind.DAEMON, __version__)
    session.open()
    try:
        session.wait_until_open(OPEN_LIMIT_S)
        leader = _wait_for_leader(session, stop)
        if leader is not None and leader.kind is LeaderKind.DAEMON and leader.pid != os.getpid():
            raise engine.DaemonError(
                ExitCode.DAEMON_ALREADY_RUNNING, f"the daemon runs already (PID {leader.pid}, version {leader.version})"
            )
        teller = _Teller()
        unsubscribe = session.subscribe(teller.tell)
        stop.wait()
        unsubscribe()
    finally:
        session.close()
    return 0


def _wait_for_leader(session: engine.Session, stop: threading.Event) -> LeaderInfo | None:
    """Who leads, ourselves included; None when that is not known by `OPEN_LIMIT_S`."""
    for _ in range(int(OPEN_LIMIT_S / LOOK_PERIOD_S)):
        if (leader := session.snapshot().leader) is not None or stop.wait(LOOK_PERIOD_S):
            return leader
    return None


class _Teller:
    """Prints every event once, as it happens."""

    def __init__(self) -> None:
        self._last: Event | None = None

    def tell(self, snapshot: Snapshot) -> None:
        """Print what is new in a snapshot."""
        known = self._last
        fresh = snapshot.events
        if known is not None and known in fresh:
            fresh = fresh[fresh.index(known) + 1 :]
        elif known is not None:
            fresh = tuple(event for event in fresh if event.ts > known.ts)
        else:
            fresh = tuple(event for event in fresh if snapshot.leader and event.ts >= snapshot.leader.since)
        for event in fresh:
            output.say(output.format_event(event))
        if fresh:
            self._last = fresh[-1]
            output.flush()
