"""The thread that hears every keeper at once: greetings, warnings and, as the end of a connection, the end of a run.

One selector over the control connections; no polling. It also collects the keepers that are this process's children, so
that they leave no zombies.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import KeeperVersionError
from engine.process import system
from engine.process.reaching import reach
from engine.process.records import VERSION, Record, RecordReader, encode_record, get_value, is_spoken

GREETING_LIMIT_S = 2.0
REAP_PERIOD_S = 0.05


@dataclass(frozen=True, slots=True)
class KeeperLine:
    """An open control connection whose keeper has greeted us."""

    name: str
    run_id: str
    connection: socket.socket
    greeting: Record


@dataclass(slots=True)
class _Watched:
    line: KeeperLine
    reader: RecordReader = field(default_factory=RecordReader)


def connect_keeper(name: str, path: Path, limit_s: float = GREETING_LIMIT_S) -> KeeperLine | None:
    """Connect to the keeper of an instance and hear its greeting, `limit_s` seconds each; None when none answers.

    Raises:
        KeeperVersionError: one answers, of a version that we cannot talk with: its run is to be left alone.
    """
    connection = reach(path, limit_s)
    if connection is None:
        return None
    try:
        connection.settimeout(limit_s)
        reader = RecordReader()
        while data := connection.recv(1 << 16):
            if records := reader.feed(data):
                _check_version(name, records[0])
                connection.setblocking(False)
                return KeeperLine(name, get_value(records[0], "run"), connection, records[0])
    except (OSError, ValueError):
        connection.close()
        return None
    except KeeperVersionError:
        connection.close()
        raise
    connection.close()
    return None


def _check_version(name: str, greeting: Record) -> None:
    if is_spoken(greeting):
        return
    run = f"its run {get_value(greeting, 'run')} (keeper PID {get_value(greeting, 'keeper_pid') or 'unknown'})"
    raise KeeperVersionError(
        f"{name}: {run} was started by another version, whose keeper speaks protocol"
        f" {get_value(greeting, 'version') or 'unknown'}; this one speaks {VERSION}: it is left alone;"
        " stop it with the version that started it"
    )


class KeeperWatcher:
    """Owns the control connections. `on_said` and `on_gone` are called on its thread and must return quickly."""

    def __init__(self, on_said: Callable[[str, Record], None], on_gone: Callable[[str, str], None]) -> None:
        self._on_said = on_said
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}
        self._arrivals: list[KeeperLine] = []
        self._to_reap: set[int] = set()
        self._selector = selectors.DefaultSelector()
        self._bell_in, self._bell_out = socket.socketpair()
        self._bell_out.setblocking(False)
        self._selector.register(self._bell_out, selectors.EVENT_READ)
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="keeper-watcher", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def watch(self, line: KeeperLine, keeper_child: int | None = None) -> None:
        """Hear a keeper from now on, as its leader; `keeper_child` is its PID when this process started it."""
        with self._lock:
            self._arrivals.append(line)
            if keeper_child is not None:
                self._to_reap.add(keeper_child)
        self._ring()

    def collect(self, keeper_child: int) -> None:
        """Collect a keeper that this process started and that has ended already."""
        with self._lock:
            self._to_reap.add(keeper_child)
        self._ring()

    def uncollected(self) -> frozenset[int]:
        """Keepers that this process started and that nobody has collected; after `close` they are the caller's."""
        with self._lock:
            return frozenset(self._to_reap)

    def send(self, name: str, record: Record) -> bool:
        """Tell an instance's keeper something; False when there is no connection to it."""
        with self._lock:
            watched = self._watched.get(name)
            arriving = next((line for line in self._arrivals if line.name == name), None)
            line = arriving or (watched.line if watched else None)
            if line is None:
                return False
            try:
                line.connection.sendall(encode_record([("version", str(VERSION)), *record]))
            except OSError:
                return False  # its end is on the way
            return True

    def close(self) -> None:
        """Hang up on every keeper and end the thread; their runs go on."""
        self._is_closing = True
        self._ring()
        if self._thread.is_alive():
            self._thread.join()
        for watched in self._watched.values():
            watched.line.connection.close()
        for line in self._arrivals:
            line.connection.close()
        self._selector.close()
        self._bell_in.close()
        self._bell_out.close()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # a closed bell means that the thread is ending anyway
            self._bell_in.send(b"!")

    def _run(self) -> None:
        while not self._is_closing:
            for key, _ in self._selector.select(REAP_PERIOD_S if self._to_reap_now() else None):
                if key.data is None:
                    self._bell_out.recv(4096)
                    self._admit()
                else:
                    self._hear(key.data)

    def _to_reap_now(self) -> bool:
        """Collect children that have ended; True while one whose connection is gone is still to be collected."""
        with self._lock:
            if not self._to_reap:
                return False
            alive = {int(get_value(one.line.greeting, "keeper_pid", "0")) for one in self._watched.values()}
            alive |= {int(get_value(line.greeting, "keeper_pid", "0")) for line in self._arrivals}
            ended = self._to_reap - alive
        gone = {pid for pid in ended if system.reap_child(pid)}
        with self._lock:
            self._to_reap -= gone
        return bool(ended - gone)

    def _admit(self) -> None:
        with self._lock:
            arrivals, self._arrivals = self._arrivals, []
            for line in arrivals:
                watched = _Watched(line)
                self._watched[line.name] = watched
                self._selector.register(line.connection, selectors.EVENT_READ, watched)
        for line in arrivals:
            self.send(line.name, [("order", "lead")])
            self._on_said(line.name, line.greeting)

    def _hear(self, watched: _Watched) -> None:
        line = watched.line
        try:
            data = line.connection.recv(1 << 16)
            records = watched.reader.feed(data)
        except BlockingIOError:
            return
        except (OSError, ValueError):
            data, records = b"", []
        for record in records:
            self._on_said(line.name, record)
        if data:
            return
        self._selector.unregister(line.connection)
        line.connection.close()
        with self._lock:
            if self._watched.get(line.name) is watched:
                del self._watched[line.name]
        self._on_gone(line.name, line.run_id)
