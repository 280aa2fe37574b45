"""The leader's side of its fork server: made when it pays, asked for keepers, replaced when it fails."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine.paths import HOME_VARIABLE, RUN_VARIABLE, Home
from engine.process import system
from engine.process.records import VERSION, Record, RecordReader, encode_record, get_value

ANSWER_LIMIT_S = 2.0
"""It answers in about 1 ms, and begins in 30; one that has not by then is frozen."""
PROGRAM = Path(__file__).with_name("fork_server.py")
SPAWNED_FIRST = 1
"""Launches without it: it costs as much as a keeper of its own, which is all that starting one instance needs."""
RETRY_S = 5.0
"""How long keepers are spawned after it has failed."""
NAME_ROOM = 64
RUN_ROOM = 128
"""What a forked keeper can carry of its instance's name, and as its token."""


class NotForkedError(OSError):
    """The keeper is to be spawned: no fork server is there yet, or it failed."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A keeper that was begun."""

    pid: int
    server_pid: int | None = None
    """Of the fork server whose child it is; None for a child of this process."""

    @property
    def is_child(self) -> bool:
        """It is this process's to collect."""
        return self.server_pid is None


@dataclass(frozen=True, slots=True)
class _Line:
    pid: int
    connection: socket.socket


class Forks:
    """One leader's fork server. May be used by many threads at once: they take turns."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._asked = 0
        self._not_before = 0.0
        self._lock = threading.Lock()
        self._line: _Line | None = None
        self._is_closed = False

    def fork(self, name: str, run_id: str, ends: tuple[int, int], errors: str) -> Begun:
        """A keeper that reads from and writes to `ends`, with its stderr in the file `errors`.

        Raises:
            NotForkedError: it is to be spawned, with other pipes: one that was forked unheard may hold these.
        """
        with self._lock:
            self._asked += 1
            if not self._is_due() or len(name) > NAME_ROOM or len(f"{name}:{run_id}") > RUN_ROOM:
                raise NotForkedError
            try:
                with open(errors, "wb", opener=_open_private) as file:
                    return self._ask(name, run_id, (*ends, file.fileno()))
            except OSError as error:
                raise NotForkedError(str(error)) from error

    def _ask(self, name: str, run_id: str, streams: tuple[int, int, int]) -> Begun:
        try:
            line = self._line or self._open()
            order = encode_record([("order", "fork"), ("name", name), ("run", run_id)])
            system.send_handles(line.connection, order, streams)
            return Begun(int(get_value(_hear(line.connection, "forked"), "pid")), line.pid)
        except (OSError, ValueError) as error:
            self._drop()
            raise NotForkedError(str(error)) from error

    def end(self, keeper: Begun, *, is_silent: bool) -> bool:
        """Have a keeper killed, if it lives, and collected; False when the server that forked it is gone.

        One that ended without a word speaks against its server: the next launches do without it.
        """
        with self._lock:
            line = self._line
            if line is None or line.pid != keeper.server_pid:
                return False
            try:
                line.connection.sendall(encode_record([("order", "end"), ("pid", str(keeper.pid))]))
                _hear(line.connection, "ended")
            except (OSError, ValueError):
                self._drop()
                return False
            if is_silent:
                self._drop()
            return True

    def collect(self) -> None:
        """Leave no zombie of a server that was killed. Returns at once: whoever is asking it finds out by himself."""
        if self._lock.acquire(blocking=False):
            try:
                if self._line is not None and system.reap_child(self._line.pid):
                    self._drop()
            finally:
                self._lock.release()

    def find_server(self) -> int | None:
        """The server's PID; None while there is none."""
        with self._lock:
            return self._line.pid if self._line else None

    def close(self) -> None:
        """End the server; keepers that it forked live on, and from here on every keeper is spawned. Idempotent."""
        with self._lock:
            self._is_closed = True
            self._drop()

    def _is_due(self) -> bool:
        return self._asked > SPAWNED_FIRST and not self._is_closed and time.monotonic() >= self._not_before

    def _open(self) -> _Line:
        """Execute the server.

        Raises:
            OSError: it cannot be executed, does not begin, or what it forks would not carry its token.
            ValueError: it talks nonsense, or is of another version: the program on disk was replaced.
        """
        ours, theirs = socket.socketpair()
        ours.settimeout(ANSWER_LIMIT_S)
        try:
            with theirs:
                pid = system.spawn_detached(
                    [sys.executable, "-I", "-S", str(PROGRAM), " " * NAME_ROOM],
                    {HOME_VARIABLE: str(self._home.state_dir), RUN_VARIABLE: "-" * RUN_ROOM},
                    (theirs.fileno(), theirs.fileno()),
                    os.devnull,
                )
        except OSError:
            ours.close()
            raise
        self._line = _Line(pid, ours)  # from here on it is ours to end
        _hear(ours, "ready")
        try:
            token = psutil.Process(pid).environ().get(RUN_VARIABLE)
        except psutil.Error as error:
            raise ValueError(f"its environment cannot be read: {error}") from error
        if token != "":
            raise ValueError("what it forks would not carry its token")
        return self._line

    def _drop(self) -> None:
        line, self._line = self._line, None
        self._not_before = time.monotonic() + RETRY_S
        if line is not None:
            line.connection.close()
            system.end_child(line.pid)


def _hear(connection: socket.socket, event: str) -> Record:
    """The server's one answer.

    Raises:
        OSError: it is gone, or silent.
        ValueError: it says anything but `event`, in our version.
    """
    reader = RecordReader()
    while data := connection.recv(1 << 16):
        if records := reader.feed(data):
            said = records[0]
            if (get_value(said, "version"), get_value(said, "event")) != (str(VERSION), event) or len(records) > 1:
                raise ValueError(f"the fork server says {said} for {event}")
            return said
    raise ConnectionResetError("the fork server is gone")


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
