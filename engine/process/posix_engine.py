"""POSIX, on the engine's side: detached children, and sockets that only this user can reach."""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # tells the type checker which half of the world this is

import contextlib
import errno
import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from engine.process.posix import make_private_dir

QUEUE_PERIOD_S = 0.005
"""How often a full queue is tried again."""


def spawn_detached(argv: list[str], env: dict[str, str], pipes: tuple[int, int], errors: str) -> int:
    """Execute `argv` in a session of its own, reading from and writing to `pipes`, stderr into the file `errors`.

    Raises:
        OSError: it cannot be executed, or `errors` cannot be opened.
    """
    return os.posix_spawn(
        argv[0],
        argv,
        env,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, pipes[0], 0),
            (os.POSIX_SPAWN_DUP2, pipes[1], 1),
            (os.POSIX_SPAWN_OPEN, 2, errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        ],
        setsid=True,
        setsigmask=(),
    )


def send_handles(connection: socket.socket, data: bytes, handles: Sequence[int]) -> None:
    """Send `data`, and with it the descriptors, through a Unix socket.

    Raises:
        OSError: the other end is gone, or does not read.
    """
    socket.send_fds(connection, [data], list(handles))


def reap_child(pid: int) -> bool:
    """Collect a child without waiting; True when it is gone (or never was ours)."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def await_child(pid: int) -> None:
    """Wait for the end of our own child, and collect it."""
    with contextlib.suppress(ChildProcessError):  # somebody has collected it before
        os.waitpid(pid, 0)


def end_child(pid: int) -> None:
    """Kill our own child, if it still lives, and collect it."""
    if not reap_child(pid):
        os.kill(pid, signal.SIGKILL)  # unreaped, so the PID is surely still the child's
        os.waitpid(pid, 0)


def kill_process(pid: int) -> None:
    """Kill a process that the caller has proven to be ours; one that is gone is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def ask_to_end(pid: int) -> None:
    """Ask a process that the caller has proven to be ours to end in good order; one that is gone is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def kill_session(leader: int) -> None:
    """Kill the whole process group of our own unreaped child, which leads it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def listen_private(path: Path) -> socket.socket:
    """A listening socket at `path` in a folder that is this user's alone, in place of a dead one's.

    Raises:
        OSError: the folder is not private, or the socket cannot be bound.
    """
    make_private_dir(str(path.parent))
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(64)
    except OSError:
        listener.close()
        raise
    return listener


def connect_private(path: Path, timeout_s: float) -> socket.socket:
    """A connection to the socket at `path`, with `timeout_s` set on it.

    Raises:
        OSError: nobody listens there.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout_s)
        deadline = time.monotonic() + timeout_s
        while not _try_connect(connection, path):
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), str(path))
            select.select([], [], [], QUEUE_PERIOD_S)
    except OSError:
        connection.close()
        raise
    return connection


def _try_connect(connection: socket.socket, path: Path) -> bool:
    """False when the listener's queue is full: a Unix socket says so at once, whatever the time-out."""
    try:
        connection.connect(str(path))
    except BlockingIOError:
        return False
    return True
