"""The leader's ear: takes requests over the private socket, gives outcomes and snapshots back. One thread."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from engine import wire
from engine.process import system
from engine.snapshots import Event, LeaderKind, Outcome, Request, Snapshot
from engine.telemetry.interest import Interest

READ_BYTES = 1 << 16
SUCCESSORS = frozenset({LeaderKind.DASHBOARD.value, LeaderKind.DAEMON.value})
"""Who leads when the leader goes; a command only waits for its answer."""


class Answerer(Protocol):
    """Who carries requests out."""

    def submit_request(self, request: Request) -> Future[Outcome]:
        """Ask for an act that already has an id."""
        ...


@dataclass(slots=True, eq=False)
class _Client:
    connection: socket.socket
    unread: bytes = b""
    unsent: bytes = b""
    is_subscribed: bool = False
    hello: wire.Hello | None = None
    """Who it is; None until it has said so."""
    last_event: Event | None = None
    seq: int = 0
    """Of the last snapshot sent."""


@dataclass(slots=True)
class _Mail:
    """What other threads leave for the server's thread."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    frames: deque[tuple[_Client, bytes]] = field(default_factory=deque)
    snapshot: Snapshot | None = None


class LeaderServer:
    """Serves every client from one selector; a client that does not read gets only the newest snapshot when it does."""

    def __init__(self, path: Path, answerer: Answerer, hello: wire.Hello, interest: Interest) -> None:
        """`hello` says who leads; `interest` hears which clients look at live numbers."""
        self.newer: wire.Hello | None = None
        """Who of a newer release has asked to lead; None while nobody has."""
        self._interest = interest
        self._path = path
        self._answerer = answerer
        self._hello = hello
        self._mail = _Mail()
        self._clients: set[_Client] = set()
        self._body: tuple[int, bytes] = (-1, b"")
        self._is_closing = False
        self._selector = selectors.DefaultSelector()
        self._bell_in, self._bell_out = socket.socketpair()
        self._bell_out.setblocking(False)
        self._bell_in.setblocking(False)
        self._selector.register(self._bell_out, selectors.EVENT_READ)
        self._listener: socket.socket | None = None
        self._identity: tuple[int, int] | None = None
        self._thread = threading.Thread(target=self._run, name="leader-server", daemon=True)

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: the socket cannot be made.
        """
        self._listener = system.listen_private(self._path)
        self._identity = system.identify_file(str(self._path))
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread.start()

    def is_in_place(self) -> bool:
        """True while the path leads to this socket: else nobody reaches us. From any thread."""
        return self._identity is not None and system.identify_file(str(self._path)) == self._identity

    def count_clients(self) -> int:
        """How many are connected at this moment. From any thread."""
        return len(self._clients)

    def has_successor(self) -> bool:
        """True while somebody is connected who waits for the lock. From any thread."""
        return any(client.hello is not None and client.hello.kind in SUCCESSORS for client in self._clients.copy())

    def publish(self, snapshot: Snapshot) -> None:
        """Have every subscriber told. Returns at once."""
        with self._mail.lock:
            self._mail.snapshot = snapshot
        self._ring()

    def close(self) -> None:
        """Hang up on everybody, the last outcomes sent as far as the sockets take them at once."""
        self._is_closing = True
        self._ring()
        if self._thread.is_alive():
            self._thread.join()
        for client in list(self._clients):
            self._drop(client)
        if self._listener is not None:
            self._listener.close()
            with contextlib.suppress(OSError):  # its folder may be gone
                self._path.unlink(missing_ok=True)
        self._selector.close()
        self._bell_in.close()
        self._bell_out.close()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # a full bell rings already, a closed one has nobody to wake
            self._bell_in.send(b"!")

    def _run(self) -> None:
        while not self._is_closing:
            for key, mask in self._selector.select():
                if key.fileobj is self._bell_out:
                    self._bell_out.recv(4096)
                    self._deliver()
                elif key.fileobj is self._listener:
                    self._accept()
                else:
                    self._serve(key.data, mask)
        self._deliver()

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it has gone again
            return
        connection.setblocking(False)
        client = _Client(connection)
        self._clients.add(client)
        self._selector.register(connection, selectors.EVENT_READ, client)
        self._send(client, wire.encode_hello(self._hello))

    def _serve(self, client: _Client, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self._send(client, b"")
            self._tell_snapshot(client)
        if mask & selectors.EVENT_READ and client in self._clients:
            self._hear(client)

    def _hear(self, client: _Client) -> None:
        try:
            data = client.connection.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        *lines, client.unread = (client.unread + data).split(b"\n")
        try:
            for line in lines:
                self._obey(client, line)
        except wire.WireError:
            data = b""
        if not data or len(client.unread) > wire.LINE_LIMIT:
            self._drop(client)

    def _obey(self, client: _Client, line: bytes) -> None:
        if wire.is_subscription(line):
            client.is_subscribed = True
            self._tell_snapshot(client)
            return
        if wire.is_yield(line):
            if client.hello is not None and client.hello.release.is_newer_than(self._hello.release):
                self.newer = client.hello
            return
        frame = wire.decode_frame(line)
        if isinstance(frame, wire.Hello):
            client.hello = frame
        elif isinstance(frame, Request):
            self._send(client, wire.encode_accepted(frame.id))
            future = self._answerer.submit_request(frame)
            future.add_done_callback(lambda done: self._post(client, wire.encode_outcome(done.result())))
        elif isinstance(frame, wire.Looking):
            self._interest.note(client, is_looking=frame.is_looking)

    def _post(self, client: _Client, frame: bytes) -> None:
        """From any thread."""
        with self._mail.lock:
            self._mail.frames.append((client, frame))
        self._ring()

    def _deliver(self) -> None:
        """Send what other threads have left."""
        while True:
            with self._mail.lock:
                if not self._mail.frames:
                    break
                client, frame = self._mail.frames.popleft()
            self._send(client, frame)
        for client in list(self._clients):
            self._tell_snapshot(client)

    def _tell_snapshot(self, client: _Client) -> None:
        snapshot = self._mail.snapshot
        if snapshot is None or not client.is_subscribed or client.unsent or client.seq == snapshot.seq:
            return
        if self._body[0] != snapshot.seq:
            self._body = (snapshot.seq, wire.encode_body(snapshot))
        events = _find_new(snapshot.events, client.last_event)
        client.seq = snapshot.seq
        client.last_event = snapshot.events[-1] if snapshot.events else None
        self._send(client, wire.encode_snapshot(self._body[1], events))

    def _send(self, client: _Client, data: bytes) -> None:
        if client not in self._clients:
            return
        client.unsent += data
        try:
            sent = client.connection.send(client.unsent) if client.unsent else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(client)
            return
        client.unsent = client.unsent[sent:]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.unsent else 0)
        self._selector.modify(client.connection, wanted, client)

    def _drop(self, client: _Client) -> None:
        if client in self._clients:
            self._clients.remove(client)
            self._interest.note(client, is_looking=False)
            self._selector.unregister(client.connection)
            client.connection.close()


def _find_new(events: tuple[Event, ...], last: Event | None) -> tuple[Event, ...]:
    """The events after `last`; all of them when it is no longer there."""
    for index in range(len(events) - 1, -1, -1):
        if events[index] is last:
            return events[index + 1 :]
    return events
