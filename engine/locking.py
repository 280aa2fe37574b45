"""Kernel locks between processes: who supervises, who edits the configuration, who may run an instance.

The kernel alone says whether a lock is held: it lets go when its holder dies, however that comes about. What is written
down about a holder is for people, and is checked against the living before it is believed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from engine.errors import LeaderTimeoutError, LockUnsupportedError
from engine.paths import Home
from engine.process import system
from engine.process.records import Record, decode_record, encode_record, get_value, read_record
from engine.times import format_time

NOTE_LIMIT_BYTES = 4096
LOOKED_AT_S = 0.05
"""How long a held lock is tried at least, by whoever waits: one who only looks at it shares it for a moment."""
POLL_PERIOD_S = 0.01
START_SLACK_S = 2.0
"""How much later than its note a holder may seem to have begun; start times are as exact as the clock ticks."""
_UNSUPPORTED = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What a file system without locks answers."""
_KERNEL_LOCKS = Path("/proc/locks")


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote down when he took a lock, and whether he can still be the one."""

    pid: int
    kind: str
    """dashboard, daemon, keeper …"""
    since: float
    """Wall clock, seconds."""
    is_alive: bool
    """A process of this PID lives, and was there when the note was written."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as well as it can be known."""

    pid: int | None = None
    """None when only that somebody holds it is known."""
    kind: str = ""
    since: float | None = None
    """Wall clock, seconds; None when nobody wrote it down."""
    is_gone: bool = False
    """The process that took it has ended, and something that it started has the lock still."""
    stale_pid: int | None = None
    """Whom the records name although he does not hold it."""

    def describe(self) -> str:
        """A phrase for messages: ``PID 4711 (daemon), since 2026-01-31T12:00:00.000Z``."""
        who = "another process" if self.pid is None else f"PID {self.pid}"
        if self.is_gone:
            who = f"something that {who} started before it ended"
        since = "" if self.since is None else f", since {format_time(self.since)}"
        stale = "" if self.stale_pid is None else f" (the record of PID {self.stale_pid} is stale)"
        return f"{who}{f' ({self.kind})' if self.kind else ''}{since}{stale}"


class KernelLock:
    """One lock file, held or not by this process. For one thread at a time; freed by the kernel when the process dies.

    `kind` tells others what sort of process holds it. `records` reads what holders wrote down elsewhere.
    """

    def __init__(self, path: Path, kind: str, records: Callable[[], Sequence[Record]] = lambda: ()) -> None:
        self.path = path
        self._kind = kind
        self._records = records
        self._handle: int | None = None
        self._lock = FileLock(
            str(path),
            mode=0o600,
            thread_local=False,  # what one thread took, another may give back
            fallback_to_soft=False,  # a marker file would stay behind when its holder is killed
            preserve_lock_file=True,  # deleting it would let two hold it, each his own inode
            on_acquired=self._note_acquired,
        )

    @property
    def is_held(self) -> bool:
        """True while this object holds the lock."""
        return self._handle is not None

    def try_acquire(self) -> bool:
        """Take the lock without waiting; False when somebody else has it, or looks at it at this very moment.

        Raises:
            LockUnsupportedError: the file system knows no locks.
            OSError: the folder cannot be made, or the lock file is not ours to open.
        """
        return self._acquire(0.0)

    def acquire(self, timeout_s: float) -> None:
        """Take the lock, waiting for at most `timeout_s` seconds.

        Raises:
            LeaderTimeoutError: somebody else has it for all that time; tells who, and since when.
            LockUnsupportedError: the file system knows no locks.
            OSError: the folder cannot be made, or the lock file is not ours to open.
            ValueError: `timeout_s` is negative or no number.
        """
        if not timeout_s >= 0:  # also true of NaN; to filelock a negative one means for ever
            raise ValueError(f"timeout_s is {timeout_s}; give zero or more seconds")
        if not self._acquire(max(timeout_s, LOOKED_AT_S)):
            holder = self.find_holder() or Holder()
            raise LeaderTimeoutError(
                f"{self.path}: held by {holder.describe()}, and not given back within {timeout_s:g} s; "
                "let it finish or end it, then try again",
                holder=holder.pid,
                since=holder.since,
            )

    @contextlib.contextmanager
    def holding(self, timeout_s: float) -> Iterator[None]:
        """Hold the lock for a block.

        Raises:
            Exception: as from `acquire`.
        """
        self.acquire(timeout_s)
        try:
            yield
        finally:
            self.release()

    def is_same(self) -> bool:
        """True while the path still names the locked file: whoever replaces it lets a second holder in."""
        return self._handle is not None and system.is_same_file(self._handle, str(self.path))

    def release(self) -> None:
        """Give the lock back; nothing when it is not held."""
        if self._handle is None:
            return
        with contextlib.suppress(OSError):  # the note is for people; a full disk or a broken mount may keep it
            os.ftruncate(self._handle, 0)
        self._handle = None
        self._lock.release()

    def find_holder(self) -> Holder | None:
        """Who holds the lock now; None when nobody does.

        Raises:
            LockUnsupportedError: the file system knows no locks.
            OSError: the lock file is not ours to open.
        """
        with _explaining(self.path):
            if not self.is_held and not system.is_locked(str(self.path)):
                return None
        pids = _read_kernel_holders(self.path)
        notes = [note for record in (_read_note(self.path), *self._records()) if (note := _check_note(record))]
        return judge_holder(notes, pids, [pid for pid in pids or () if psutil.pid_exists(pid)])

    def _acquire(self, timeout_s: float) -> bool:
        if self._handle is not None:
            return True
        system.make_private_dir(str(self.path.parent))
        try:
            with _explaining(self.path):
                self._lock.acquire(timeout=timeout_s, poll_interval=POLL_PERIOD_S, blocking=timeout_s > 0)
        except Timeout:
            return False
        return True

    def _note_acquired(self, handle: int) -> None:
        """Write down who holds it, in the lock file itself: others see it even before any other record is made."""
        self._handle = handle
        note = [("pid", str(os.getpid())), ("kind", self._kind), ("since", repr(time.time()))]
        with contextlib.suppress(OSError):  # the lock counts, not the note
            os.ftruncate(handle, 0)
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, encode_record(note))


def supervisor_lock(home: Home, kind: str) -> KernelLock:
    """The lock whose holder leads; `kind` says what sort of process would. The leader's own record names him, too."""
    return KernelLock(home.supervisor_lock, kind, lambda: _read_records(home.leader_record))


def daemon_lock(home: Home) -> KernelLock:
    """The lock that a daemon holds for its whole life; its own record names it, too."""
    return KernelLock(home.daemon_lock, "daemon", lambda: _read_records(home.daemon_record))


def config_lock(home: Home, kind: str) -> KernelLock:
    """The lock under which the configuration file is edited."""
    return KernelLock(home.config_lock, kind)


def instance_lock(home: Home, name: str, kind: str) -> KernelLock:
    """The lock of an instance's run: while it is held here, no keeper can start one.

    A run's own keeper holds it from before its server is executed, and the whole tree inherits it.
    """
    return KernelLock(home.instance_lock(name), kind, lambda: _read_keeper(home, name))


def judge_holder(notes: Sequence[Note], kernel_pids: Iterable[int] | None, living_pids: Iterable[int]) -> Holder:
    """Who holds a lock that is held, from what was written down and what the kernel says.

    `kernel_pids` took the lock, None where the kernel does not tell; of them `living_pids` still live. Notes are
    believed in their order, and only when they agree with the kernel, or failing that with the process table.
    """
    taken = None if kernel_pids is None else sorted(kernel_pids)
    living = set(living_pids)
    stale = None
    for note in notes:
        if note.is_alive if taken is None else note.pid in taken:
            return Holder(note.pid, note.kind, note.since, is_gone=taken is not None and note.pid not in living)
        stale = note.pid if stale is None else stale
    if not taken:
        return Holder(stale_pid=stale)
    first = next((pid for pid in taken if pid in living), taken[0])
    return Holder(first, is_gone=first not in living, stale_pid=stale)


def _read_kernel_holders(path: Path) -> frozenset[int] | None:
    """PIDs that took the lock on `path`, as Linux lists them; None where the kernel does not tell."""
    if sys.platform == "win32":
        return None
    try:
        found = path.stat()
        lines = _KERNEL_LOCKS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    identity = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    fields = [line.split() for line in lines if "->" not in line]  # an arrow marks who waits
    pids = {int(one[4]) for one in fields if len(one) > 5 and one[1] == "FLOCK" and one[5] == identity}
    # A process of another PID namespace is listed as 0; some file systems list another device than stat does.
    return frozenset(pids) if pids and min(pids) > 0 else None


def _read_note(path: Path) -> Record:
    try:
        with path.open("rb") as file:
            return decode_record(file.read(NOTE_LIMIT_BYTES))
    except OSError:
        return []  # Windows lets nobody read what is locked


def _read_records(path: Path) -> tuple[Record, ...]:
    try:
        return (read_record(str(path)),)
    except OSError:
        return ()


def _read_keeper(home: Home, name: str) -> tuple[Record, ...]:
    """The run record, in the words of a note."""
    return tuple(
        [("pid", get_value(run, "keeper_pid")), ("kind", "keeper"), ("since", get_value(run, "started_at"))]
        for run in _read_records(home.run_record(name))
    )


def _check_note(record: Record) -> Note | None:
    """What a record says of a holder, checked against the process table; None when it says nothing."""
    try:
        pid, since = int(get_value(record, "pid")), float(get_value(record, "since"))
    except ValueError:
        return None
    try:
        is_alive = psutil.Process(pid).create_time() <= since + START_SLACK_S
    except (psutil.Error, ValueError):
        is_alive = False
    return Note(pid, get_value(record, "kind"), since, is_alive)


@contextlib.contextmanager
def _explaining(path: Path) -> Iterator[None]:
    """Say what is wrong where a file system knows no locks, in place of a bare error number."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        raise LockUnsupportedError(str(path), os.strerror(error.errno)) from error
