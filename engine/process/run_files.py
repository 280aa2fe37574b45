"""What a run has on disk while it lives: its lock, control socket, run record, and the space for its exit record.

Made at the start, made again when somebody deletes them under the run, taken away at its end.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # tells the type checker which half of the world this is

import contextlib
import os
import selectors
import socket

from engine.process import posix
from engine.process.records import Record, get_value, read_record, write_record
from engine.process.reservation import Reservation

LISTEN_BACKLOG = 64
LOOKED_AT_S = 0.05
"""How long a held lock is tried again: whoever only looks at it shares it for a moment."""


class RunFiles:
    """Owned by the keeper's one thread. `lock` changes when it has to be made again."""

    def __init__(self, spec: Record, lock: int, selector: selectors.BaseSelector) -> None:
        """Take over the descriptor `lock`, on which the lock is held; the listener is registered with `selector`."""
        self.lock = lock
        self._listener: socket.socket | None = None
        self._lock_path = get_value(spec, "lock")
        self._run_path = get_value(spec, "run_record")
        self._exit_path = get_value(spec, "exit_record")
        self._socket_path = get_value(spec, "socket")
        self._socket_inode: tuple[int, int] | None = None
        self._reservation: Reservation | None = None
        self._selector = selector

    def make(self) -> None:
        """Reserve the exit record's space and open the control socket.

        Raises:
            OSError: no space, or no folder.
        """
        self._reservation = Reservation(self._exit_path)
        self._listen()

    def record_run(self, run: Record) -> None:
        """Put the run record in place; where the disk forbids it, `restore` tries again."""
        try:
            write_record(self._run_path, run)
        except OSError as error:
            print(f"no run record: {error}", file=sys.stderr, flush=True)

    def accept(self) -> socket.socket | None:
        """The next client; None when it has gone again."""
        try:
            connection, _ = self._listener.accept() if self._listener is not None else (None, None)
        except OSError:
            return None
        if connection is not None:
            connection.setblocking(False)
        return connection

    def discard(self) -> None:
        """Take away what `make` made: nothing was executed."""
        if self._reservation is not None:
            self._reservation.discard()
        self._remove_socket()

    def restore(self, run: Record) -> None:
        """Make again whatever is gone; `run` is the run record.

        Raises:
            OSError: the disk or somebody else's folder forbids it; to be tried again later.
        """
        if not posix.is_same_file(self.lock, self._lock_path):
            posix.make_private_dir(os.path.dirname(self._lock_path))
            fresh = posix.take_lock(self._lock_path, LOOKED_AT_S)
            if fresh is None:
                return  # another run of this name has begun: the files are its own
            os.close(self.lock)
            self.lock = fresh
        if self._reservation is None or not self._reservation.is_in_place():
            self._reservation = Reservation(self._exit_path)
        if not os.path.exists(self._run_path):
            write_record(self._run_path, run)
        if posix.identify_file(self._socket_path) != self._socket_inode:
            self._listen()

    def is_superseded(self, run_id: str) -> bool:
        """True when another run of this name holds the lock that belongs to it: there may only be one.

        That takes a lock file that was deleted under this run, and a start before it was made again.
        """
        if posix.is_same_file(self.lock, self._lock_path) or not posix.is_locked(self._lock_path):
            return False
        return get_value(read_record(self._run_path), "run", run_id) != run_id

    def finish(self, end: Record) -> None:
        """Put the exit record in place, remove the socket and free the lock, in this order."""
        if posix.is_same_file(self.lock, self._lock_path):
            if self._reservation is not None:
                self._reservation.fill(end)
            self._remove_socket()
        os.close(self.lock)

    def _listen(self) -> None:
        """Open the control socket, in place of whatever an earlier run left there."""
        self._close_listener()
        posix.make_private_dir(os.path.dirname(self._socket_path))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._socket_path)
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(self._socket_path)
            listener.listen(LISTEN_BACKLOG)
        except OSError:
            listener.close()
            raise
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)
        self._socket_inode = posix.identify_file(self._socket_path)
        self._listener = listener

    def _close_listener(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            self._selector.unregister(listener)
            listener.close()

    def _remove_socket(self) -> None:
        try:
            os.unlink(self._socket_path)
        except FileNotFoundError:
            return
        except OSError as error:
            print(f"socket not removed: {error}", file=sys.stderr, flush=True)
