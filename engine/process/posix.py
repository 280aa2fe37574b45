"""What the keeper and the launch ask of a POSIX system: locks, process groups, parent-death signals, tree sweeps.

Standard library only; the keeper imports it. Linux has child subreapers and parent-death signals, macOS has neither:
there the lock that the server inherits is the guard.
"""

from __future__ import annotations

import errno
import sys

assert sys.platform != "win32"  # tells the type checker which half of the world this is

import ctypes
import fcntl
import os
import resource
import select
import signal
import stat
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_IS_LINUX = sys.platform == "linux"
_libc = ctypes.CDLL(None, use_errno=True)

IGNORED_BY_KEEPER = (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE)
"""The keeper outlives the terminal, and clients that hang up."""
USUAL_PIPE_BYTES = 1 << 16
"""The capacity of a pipe, as Linux and macOS make it."""


def become_subreaper() -> None:
    """Have orphaned descendants re-parented to this process (Linux; elsewhere nothing)."""
    if _IS_LINUX:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def try_lock(path: str) -> int | None:
    """Take the exclusive kernel lock on `path` without waiting; the open descriptor, or None when another holds it.

    Raises:
        OSError: the file cannot be made, or the file system knows no locks (ENOLCK, ENOTSUP).
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return None
        raise
    return handle


def take_lock(path: str, within_s: float) -> int | None:
    """As `try_lock`, tried again for `within_s` seconds.

    Raises:
        OSError: as `try_lock`.
    """
    deadline = time.monotonic() + within_s
    while (handle := try_lock(path)) is None and time.monotonic() < deadline:
        select.select([], [], [], 0.002)
    return handle


def wait_lock(path: str) -> int:
    """Take the exclusive kernel lock on `path`, waiting for it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def is_locked(path: str) -> bool:
    """True while some process holds the lock on `path`. A missing file is not locked."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return True
        raise
    finally:
        os.close(handle)
    return False


def is_same_file(handle: int, path: str) -> bool:
    """True while `path` still names the file that `handle` has open."""
    try:
        there = os.stat(path)
    except OSError:
        return False
    here = os.fstat(handle)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def identify_file(path: str) -> tuple[int, int] | None:
    """Device and inode of what `path` names at this moment; None when there is nothing, or it cannot be looked at."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def holds_deleted(pid: int, path: str) -> bool:
    """True when a process has the file open that was at `path` and was deleted; False where that cannot be seen.

    Linux tells it of the processes of this user.
    """
    try:
        handles = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    for handle in handles:
        try:
            if os.readlink(f"/proc/{pid}/fd/{handle}") == f"{path} (deleted)":
                return True
        except OSError:
            continue  # closed meanwhile
    return False


def is_own_file(path: str) -> bool:
    """True when `path` itself, not what a link there points to, belongs to this user.

    Raises:
        OSError: nothing is there, or it cannot be looked at.
    """
    return os.lstat(path).st_uid == os.getuid()


def make_private_dir(path: str) -> None:
    """Make `path` (0700) with its parents, or check that what is there is ours alone.

    Raises:
        PermissionError: it is a link, not a folder, or belongs to somebody else.
    """
    os.makedirs(path, mode=0o700, exist_ok=True)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "not a private folder of this user", path)
    if stat.S_IMODE(found.st_mode) & 0o077:
        os.chmod(path, 0o700)


def spawn_server(argv: list[str], env: dict[str, str], cwd: str, umask: int, outputs: tuple[int, int]) -> int:
    """Fork and execute the server in a process group of its own; its PID.

    To be called from the main thread of a single-threaded process: the parent-death signal follows the thread that
    forked, and nothing but this thread exists in the child.

    Raises:
        OSError: what the child met before or at exec, with the file name that was at fault.
    """
    parent = os.getpid()
    failed_read, failed_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _become_server(argv, env, cwd, umask, outputs, parent)
        except OSError as error:
            where = str(error.filename or argv[0])
            os.write(failed_write, f"{error.errno or errno.EIO} {where}".encode(errors="surrogateescape"))
        except ValueError:  # a NUL, or a variable without a name: Python refuses it in place of the system
            os.write(failed_write, f"{errno.EINVAL} ".encode())
        finally:
            os._exit(127)
    os.close(failed_write)
    with open(failed_read, "rb") as failed:
        report = os.fsdecode(failed.read(4096))
    if not report:
        return pid
    os.waitpid(pid, 0)
    number, _, where = report.partition(" ")
    raise OSError(int(number), os.strerror(int(number)), where)


def _become_server(
    argv: list[str], env: dict[str, str], cwd: str, umask: int, outputs: tuple[int, int], parent: int
) -> None:
    os.setpgid(0, 0)
    if _IS_LINUX:
        _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # the keeper died before the signal was armed
            os._exit(127)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (outputs[0], 1), (outputs[1], 2)):
        os.dup2(source, target, inheritable=True)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)  # what is ignored stays so across exec, from any ancestor
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(umask)
    os.chdir(cwd)
    os.execve(argv[0], argv, env)  # noqa: S606 - no shell is the point


def has_ended(server: int) -> bool:
    """True when our child `server` has ended. Other dead children (re-parented strays) are reaped on the way.

    The server itself stays unreaped: no stranger can get its PID before its group is killed.
    """
    if _find_ended(server):
        return True
    while found := _find_ended(None):
        if found == server:
            return True
        os.waitpid(found, 0)
    return False


if sys.platform == "darwin":
    # Python has no os.waitid here before 3.13 (https://docs.python.org/3/library/os.html#os.waitid); the system has.
    _P_ALL, _P_PID = 0, 1
    _WNOHANG, _WEXITED, _WNOWAIT = 0x01, 0x04, 0x20
    _SIGINFO_BYTES = 128
    _SIGINFO_PID = 3
    """Which of its integers is the PID."""

    def _find_ended(pid: int | None) -> int:
        """The PID of our child `pid` (None: of any child) once it has ended, left unreaped; 0 while it lives."""
        info = (ctypes.c_int * (_SIGINFO_BYTES // 4))()
        kind = _P_ALL if pid is None else _P_PID
        if _libc.waitid(kind, pid or 0, info, _WEXITED | _WNOHANG | _WNOWAIT) != 0:
            return 0
        return int(info[_SIGINFO_PID])
else:

    def _find_ended(pid: int | None) -> int:
        """The PID of our child `pid` (None: of any child) once it has ended, left unreaped; 0 while it lives."""
        kind = os.P_ALL if pid is None else os.P_PID
        found = os.waitid(kind, pid or 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return 0 if found is None else found.si_pid


def reap(pid: int) -> tuple[int, resource.struct_rusage]:
    """Collect our ended child: its exit code (negative: the signal) and what it used."""
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), usage


if sys.platform == "linux":

    def read_pipe_capacity(handle: int) -> int:
        """How many bytes a pipe holds: 8 KB in place of 64 for a user who has very many.

        Source: F_GETPIPE_SZ in fcntl(2), /proc/sys/fs/pipe-user-pages-soft in pipe(7).
        """
        return fcntl.fcntl(handle, fcntl.F_GETPIPE_SZ)

    def resize_pipe(handle: int, capacity: int) -> bool:
        """Have a pipe hold `capacity` bytes; False when the system does not let it, or when more is in it.

        Source: as `read_pipe_capacity`; all pipes of a user are counted.
        """
        try:
            fcntl.fcntl(handle, fcntl.F_SETPIPE_SZ, capacity)
        except OSError:
            return False
        return True
else:

    def read_pipe_capacity(handle: int) -> int:  # noqa: ARG001 - as on Linux
        """What the system widens a busy pipe to."""
        return USUAL_PIPE_BYTES

    def resize_pipe(handle: int, capacity: int) -> bool:  # noqa: ARG001 - as on Linux
        """False: the system widens a pipe by itself, or not at all."""
        return False


def signal_group(group: int, number: int) -> None:
    """Send a signal to every process of a group that a child of ours leads; a group that is gone is no error."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        # macOS says EPERM for a group of zombies; either way nobody is left to hear it.
        return


def sweep_children(limit_s: float) -> list[int]:
    """Kill and reap every child left, re-parented ones included; PIDs that would not die within `limit_s` seconds."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return []
        children = _find_children()
        for pid in children:
            signal_process(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return children
        select.select([], [], [], 0.001)


def signal_process(pid: int, number: int) -> None:
    """Send a signal to one process; one that is gone is no error."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _find_children() -> list[int]:
    me = str(os.getpid()).encode()
    names = [name for name in os.listdir("/proc") if name.isdigit()]
    return [int(name) for name in names if read_stat_fields(name)[1:2] == [me]]


def read_stat_fields(pid: int | str) -> list[bytes]:
    """The fields of /proc/PID/stat behind the command's name (proc(5) field 3 comes first); empty when it is gone."""
    try:
        handle = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return []
    try:
        return os.read(handle, 4096).rpartition(b")")[2].split()
    except OSError:
        return []
    finally:
        os.close(handle)


def read_start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (proc(5) field 22); None where unknown.

    Unlike a wall-clock time it never shifts, so that (PID, ticks, boot id) names one process for ever.
    """
    fields = read_stat_fields(pid)
    return int(fields[19]) if len(fields) > 19 else None


def read_boot_id() -> str:
    """Names this boot of the machine (Linux); empty where unknown."""
    try:
        handle = os.open("/proc/sys/kernel/random/boot_id", os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(handle, 64).decode().strip()
    finally:
        os.close(handle)
