"""Who the daemon of a home is. Its lock proves that it lives; its record tells people the rest.

A dashboard or command that leads is no daemon: it holds `supervisor.lock`, never this one.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from engine.errors import DaemonError, ExitCode, LeaderTimeoutError
from engine.following import read_leader
from engine.locking import KernelLock, daemon_lock, supervisor_lock
from engine.paths import Home
from engine.process.records import get_value, read_record, write_record
from engine.snapshots import LeaderInfo

LOG_NAME = "daemon"
"""Stem of the log's files in the daemon's folder."""


@dataclass(frozen=True, slots=True)
class DaemonInfo:
    """A daemon that lives."""

    pid: int | None
    """None only where the system does not tell who holds the lock, and nothing was written down."""
    since: float | None
    """Wall clock, seconds."""
    version: str
    """Empty until it stands by or leads."""
    leads: bool
    leader: LeaderInfo | None
    """Who leads, itself included; None while nobody does."""
    log_file: Path


def log_path(home: Home) -> Path:
    """The daemon's own log; older pieces end in ``.1`` and so on."""
    return home.daemon_dir / f"{LOG_NAME}.log"


def errors_path(home: Home) -> Path:
    """What a daemon in the background said on stderr before it stood by or led."""
    return home.daemon_dir / "errors.txt"


def claim_daemon(home: Home) -> KernelLock:
    """Become the daemon of this home: the lock, held. The caller releases it last of all.

    Raises:
        DaemonError: there is one already (61).
        LockUnsupportedError: the file system knows no locks.
        OSError: the state folder cannot be used.
    """
    lock = daemon_lock(home)
    try:
        lock.acquire(0.0)
    except LeaderTimeoutError as error:
        holder = f"PID {error.holder}" if error.holder else "another process"
        raise DaemonError(
            ExitCode.DAEMON_ALREADY_RUNNING, f"the daemon runs already ({holder}); `daemon stop` ends it"
        ) from error
    return lock


def write_daemon_record(home: Home, pid: int, since: float, version: str) -> None:
    """Tell who the daemon is: it stands by, or leads.

    Raises:
        OSError: the run folder cannot be written.
    """
    write_record(
        str(home.daemon_record),
        [("version", version), ("pid", str(pid)), ("kind", "daemon"), ("since", repr(since))],
    )


def remove_daemon_record(home: Home) -> None:
    """The daemon ends."""
    with contextlib.suppress(OSError):  # its folder may be gone; the lock alone proves who is the daemon
        home.daemon_record.unlink(missing_ok=True)


def find_daemon(home: Home) -> DaemonInfo | None:
    """The daemon of this home; None when there is none.

    Raises:
        LockUnsupportedError: the file system knows no locks.
        OSError: the lock file is not ours to open.
    """
    holder = daemon_lock(home).find_holder()
    if holder is None:
        return None
    pid = None if holder.is_gone else holder.pid
    leader = find_leader(home)
    return DaemonInfo(
        pid=pid,
        since=holder.since,
        version=_read_version(home, pid),
        leads=leader is not None and leader.pid == pid,
        leader=leader,
        log_file=log_path(home),
    )


def find_leader(home: Home) -> LeaderInfo | None:
    """Who leads: as the leader wrote it down, while the lock is held; None when nobody does."""
    return read_leader(home) if supervisor_lock(home, "").find_holder() is not None else None


def _read_version(home: Home, pid: int | None) -> str:
    try:
        record = read_record(str(home.daemon_record))
    except OSError:
        return ""
    return get_value(record, "version") if get_value(record, "pid") == str(pid) else ""
