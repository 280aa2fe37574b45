"""Tiny servers on raw sockets that do what no decent server does."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.health.targets import ProbeKind, ProbeTarget

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n" + b'{"status":"ok"}'
CERTIFICATE = Path(__file__).with_name("self_signed.pem")

Behaviour = Callable[[socket.socket, bytes, threading.Event], None]
"""Serves one client that asked this; the event is set when the test is over."""


class RawServer:
    """Takes every client in a thread of its own, and keeps what they said."""

    def __init__(self, behave: Behaviour, *, tls: bool = False) -> None:
        self._behave = behave
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._clients: list[socket.socket] = []
        self.said: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = int(self.listener.getsockname()[1])
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        if self._context:
            self._context.load_cert_chain(CERTIFICATE)
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            self._clients.append(client)
            self._threads.append(threading.Thread(target=self._serve, args=(client,)))
            self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            served = self._context.wrap_socket(client, server_side=True) if self._context else client
            with served:
                asked = served.recv(65536)
                self.said.append(asked)
                self._behave(served, asked, self._over)

    def close(self) -> None:
        """End everything."""
        self._over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._accepting.join()
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()
        for thread in self._threads:
            thread.join()


@contextlib.contextmanager
def raw_server(behave: Behaviour, *, tls: bool = False) -> Iterator[RawServer]:
    """A server for as long as the block lasts."""
    server = RawServer(behave, tls=tls)
    try:
        yield server
    finally:
        server.close()


def say(*pieces: bytes, pause_s: float = 0.0) -> Behaviour:
    """Say these, with a pause after each, and close."""

    def behave(client: socket.socket, _asked: bytes, over: threading.Event) -> None:
        for piece in pieces:
            client.sendall(piece)
            if pause_s and over.wait(pause_s):
                return

    return behave


def say_and_hold(*pieces: bytes) -> Behaviour:
    """Say these, and neither more nor good-bye."""

    def behave(client: socket.socket, _asked: bytes, over: threading.Event) -> None:
        client.sendall(b"".join(pieces))
        over.wait()

    return behave


def pour(head: bytes, piece: bytes) -> Behaviour:
    """Say `head`, then `piece` without end."""

    def behave(client: socket.socket, _asked: bytes, over: threading.Event) -> None:
        client.sendall(head)
        while not over.is_set():
            client.sendall(piece)

    return behave


def answer_json(status: int, value: object) -> bytes:
    """A whole answer."""
    body = json.dumps(value).encode()
    return f"HTTP/1.1 {status} Told\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class FakeLlama:
    """Answers by path; a path without an answer is never answered. Change `answers` at any time."""

    def __init__(self, **answers: tuple[int, object]) -> None:
        healthy: dict[str, tuple[int, object] | None] = {
            "health": (200, {"status": "ok"}),
            "props": (200, {"is_sleeping": False}),
            "slots": (200, [{"id": 0, "is_processing": False}]),
            "completion": (200, {"content": " there"}),
        }
        self.answers = {**healthy, **answers}
        self.asked: list[str] = []
        self.bodies: list[bytes] = []

    def __call__(self, client: socket.socket, asked: bytes, over: threading.Event) -> None:
        """Serve one client."""
        head, _, body = asked.partition(b"\r\n\r\n")
        path = head.split(b" ")[1].decode()[1:]
        self.asked.append(path)
        self.bodies.append(body)
        answer = self.answers.get(path, (404, {}))
        if answer is None:
            over.wait()
        else:
            client.sendall(answer_json(*answer))


def http_target(port: int, **values: object) -> ProbeTarget:
    """How to ask a server of a test over HTTP, not patiently."""
    return ProbeTarget("x", ProbeKind.HTTP, "127.0.0.1", port, **{"timeout_s": 0.5, **values})  # type: ignore[arg-type]
