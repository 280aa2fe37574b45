"""Ending a daemon in good order: only a process that holds the daemon's lock is ever asked."""

from __future__ import annotations

from engine.daemon.identity import DaemonInfo, find_daemon
from engine.errors import DaemonError, ExitCode, LeaderTimeoutError
from engine.locking import daemon_lock
from engine.paths import Home
from engine.process import system


def require_daemon(home: Home) -> DaemonInfo:
    """The daemon of this home.

    Raises:
        DaemonError: there is none (60); a dashboard or command that leads is named.
        LockUnsupportedError: the file system knows no locks.
    """
    found = find_daemon(home)
    if found is None:
        raise DaemonError(ExitCode.DAEMON_NOT_RUNNING, "no daemon runs here; `daemon start` starts one")
    return found


def stop_daemon(home: Home, timeout_s: float) -> DaemonInfo:
    """Ask the daemon to end, and wait for `timeout_s` seconds at most until it has; returns who it was.

    Raises:
        DaemonError: there is none (60), or it did not end (63).
        LockUnsupportedError: the file system knows no locks.
    """
    found = require_daemon(home)
    if found.pid is None:
        raise DaemonError(
            ExitCode.DAEMON_STOP_FAILED,
            f"the process that holds {home.daemon_lock} cannot be told; end it by hand, then retry",
        )
    system.ask_to_end(found.pid)
    lock = daemon_lock(home)
    try:
        lock.acquire(timeout_s)
    except LeaderTimeoutError as error:
        raise DaemonError(
            ExitCode.DAEMON_STOP_FAILED,
            f"the daemon (PID {found.pid}) has not ended within {timeout_s:g} s; "
            f"see {found.log_file}, or end it with kill -9: the models run on",
        ) from error
    lock.release()
    return found
