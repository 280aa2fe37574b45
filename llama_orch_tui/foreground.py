"""`daemon run`: the engine without a screen, until a signal ends it. One thread waits; nothing is polled."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import engine
from engine.daemon.diary import Diary
from engine.daemon.identity import claim_daemon, remove_daemon_record, write_daemon_record
from engine.daemon.idleness import Idleness, is_at_rest
from engine.daemon.sd_notify import Notifier, take_notifier
from engine.daemon.starting import tell_ready
from engine.errors import ExitCode, StateError
from engine.snapshots import LeaderKind, Level, Snapshot
from llama_orch_tui import __version__
from llama_orch_tui.signal_bell import SignalBell
from llama_orch_tui.telling import STDOUT, Teller

OPEN_LIMIT_S = 10.0
STOP_ALL_LIMIT_S = 60.0
"""How much longer the end may take when the models are stopped, too: their graces, and the answer of the leader."""
ENDING = frozenset(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGBREAK") if hasattr(signal, name))
HANG_UP = frozenset(getattr(signal, name) for name in ("SIGHUP",) if hasattr(signal, name))


@dataclass(frozen=True, slots=True)
class RunOrder:
    """How a daemon is to run."""

    is_detached: bool = False
    """Started in the background: stdout is the pipe on which to answer, and nothing is printed."""
    stops_instances: bool = False
    """Its end is the end of the models."""
    idle_limit_s: float | None = None
    """End after so many seconds in which nothing runs, is wanted or is connected; None is never."""


def run_daemon(order: RunOrder) -> int:
    """Lead, or stand by while another leads, until SIGTERM or SIGINT; the exit code.

    Raises:
        DaemonError: there is a daemon already.
        EngineError: there can be no engine.
    """
    home = engine.find_home(os.environ)
    notifier = take_notifier(os.environ)
    lock = claim_daemon(home)
    diary = Diary(home)
    try:
        with SignalBell(ENDING | HANG_UP) as bell:
            return _Shift(home, order, diary, notifier, bell).work()
    except engine.EngineError as error:
        diary.note(f"ended: {error}", Level.ERROR)
        raise
    finally:
        remove_daemon_record(home)
        diary.close()
        lock.release()


class _Shift:
    """One daemon's life. Owned by the main thread, but for `hear`."""

    def __init__(self, home: engine.Home, order: RunOrder, diary: Diary, notifier: Notifier, bell: SignalBell) -> None:
        self._home = home
        self._order = order
        self._diary = diary
        self._notifier = notifier
        self._bell = bell
        self._idleness = Idleness(order.idle_limit_s)
        self._has_terminal = _has_terminal()
        self._session = engine.Session(home, LeaderKind.DAEMON, __version__)
        self._teller = Teller(diary, is_quiet=order.is_detached)
        self._heard: Snapshot | None = None
        self._heard_mono = time.monotonic()
        self._status = ""
        self._hindrance = ""
        """Why there can be no engine at the moment; empty while there is one."""
        self._shutdown_s = _read_shutdown_timeout(home)

    def work(self) -> int:
        """From the first breath to the last."""
        _catch_crashes(self._diary, prints=not self._order.is_detached)
        if self._order.is_detached:
            os.chdir(Path(sys.executable).anchor)  # no folder, and no disk, is kept busy
        try:
            self._session.open()
            self._session.wait_until_open(OPEN_LIMIT_S)
            self._tell_ready()
            self._session.subscribe(self._hear)  # to its very end: the last events belong into the log
            self._diary.note(f"ends: {self._wait_for_the_end()}")
        finally:
            self._end()
        return 0

    def _tell_ready(self) -> None:
        try:
            write_daemon_record(self._home, os.getpid(), time.time(), __version__)
        except OSError as error:  # people miss its version then; the lock counts
            self._diary.note(f"{self._home.daemon_record}: {error.strerror}", Level.WARNING)
        self._status = self._describe()
        self._diary.note(f"version {__version__}, PID {os.getpid()}: {self._status}")
        self._notifier.tell_ready(self._status)
        if self._order.is_detached:
            tell_ready(STDOUT)

    def _hear(self, snapshot: Snapshot) -> None:
        """On a thread of the engine."""
        self._heard, self._heard_mono = snapshot, time.monotonic()
        self._teller.tell(snapshot)
        self._bell.ring()

    def _wait_for_the_end(self) -> str:
        """Why it ends.

        Raises:
            StateError: a newer version has made this one unfit.
        """
        next_beat = time.monotonic()
        while True:
            now = time.monotonic()
            if self._notifier.beat_period_s is not None and now >= next_beat:
                next_beat = now + self._notifier.beat_period_s
                self._beat()
            caught = self._bell.wait(self._wait_s(next_beat, now))
            if ending := caught & ENDING:
                return f"{min(ending).name}"
            if caught & HANG_UP and self._has_terminal:
                return "its terminal was closed"
            if caught & HANG_UP:
                self._diary.note("SIGHUP: the configuration is read again")
                self._session.reload_config()
                self._shutdown_s = _read_shutdown_timeout(self._home)
            if self._is_over():
                return f"nothing ran, was wanted or was connected for {self._order.idle_limit_s:g} s"
            self._look()

    def _wait_s(self, next_beat: float, now: float) -> float | None:
        waits = [self._idleness.left_s(now)]
        if self._notifier.beat_period_s is not None:
            waits.append(max(0.0, next_beat - now))
        return min((one for one in waits if one is not None), default=None)

    def _is_over(self) -> bool:
        snapshot = self._session.snapshot()
        is_idle = is_at_rest(snapshot) and not self._session.count_clients()
        return self._idleness.note(is_idle=is_idle, now=time.monotonic())

    def _look(self) -> None:
        """Take note of what the engine last published.

        Raises:
            StateError: a newer version has made this one unfit.
        """
        faults = {one.key: one.message for one in self._session.snapshot().faults}
        if "version" in faults:
            raise StateError(faults["version"])
        hindrance = faults.get("engine", "")
        if hindrance and hindrance != self._hindrance:
            self._diary.note(f"cannot lead, and goes on trying: {hindrance}", Level.ERROR)
        self._hindrance = hindrance
        if (status := self._describe()) != self._status:
            self._status = status
            self._notifier.tell_status(status)

    def _beat(self) -> None:
        """A sign of life, unless the engine leads and has published nothing for a whole period: then it hangs."""
        period_s = self._notifier.beat_period_s or 0.0
        is_silent = time.monotonic() - self._heard_mono > 2 * period_s
        if self._heard is None or not self._heard.is_leader or not is_silent:
            self._notifier.beat()

    def _describe(self) -> str:
        snapshot = self._session.snapshot()
        if snapshot.is_leader:
            count = sum(one.pid is not None for one in snapshot.instances)
            return f"leads; {count} of {len(snapshot.instances)} instances run"
        if snapshot.leader is None:
            return f"stands by, for it cannot lead: {self._hindrance}" if self._hindrance else "stands by"
        return f"stands by while the {snapshot.leader.kind.value} (PID {snapshot.leader.pid}) leads"

    def _end(self) -> None:
        """Within the time-out, whatever hangs: the models have keepers of their own."""
        self._notifier.tell_stopping()
        limit_s = self._shutdown_s + (STOP_ALL_LIMIT_S if self._order.stops_instances else 0.0)
        guard = threading.Timer(limit_s, self._leave_at_once, (limit_s,))
        guard.daemon = True
        guard.start()
        self._session.close(stop_instances=self._order.stops_instances)
        self._teller.close()
        guard.cancel()

    def _leave_at_once(self, limit_s: float) -> None:
        """On the guard's thread."""
        self._diary.note(f"has not ended within {limit_s:g} s: leaves at once; the models run on", Level.ERROR)
        self._diary.close()
        os._exit(int(ExitCode.DAEMON_STOP_FAILED))


def _has_terminal() -> bool:
    """True when a terminal controls this process: its hang-up is then the end, not a wish to read anew."""
    try:
        handle = os.open("/dev/tty", os.O_RDWR | getattr(os, "O_NOCTTY", 0))
    except OSError:
        return False
    os.close(handle)
    return True


def _read_shutdown_timeout(home: engine.Home) -> float:
    """Seconds; read while all is well, since the disk may be what hangs at the end."""
    return engine.load_config(home.config_file, os.environ).config.daemon.shutdown_timeout


def _catch_crashes(diary: Diary, *, prints: bool) -> None:
    """What no thread foresaw goes into the log; the process lives on, as Python has it."""

    def note(crash: threading.ExceptHookArgs) -> None:
        if prints:
            threading.__excepthook__(crash)
        diary.note_crash(crash.thread.name if crash.thread else "a thread", crash.exc_type, crash.exc_traceback)

    threading.excepthook = note
