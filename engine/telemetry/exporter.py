"""Serving the metrics page: one thread, one client at a time, each for a second at most.

A port that is taken is a fault, told once and tried again; it is never a reason not to supervise.
"""

from __future__ import annotations

import contextlib
import ipaddress
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable

from engine.telemetry.prometheus import CONTENT_TYPE

RETRY_S = 5.0
CLIENT_LIMIT_S = 1.0
HEAD_LIMIT = 16_384
PATHS = frozenset({"/metrics", "/"})


class Exporter:
    """Listens where it is told to; `set_address` may be called from any thread.

    Args:
        build: The page, called on the exporter's thread.
        on_fault: Told why it cannot listen, and (empty) when it can again.
        on_listening: Told the address, and a warning when others can reach it.
    """

    def __init__(
        self, build: Callable[[], str], on_fault: Callable[[str], None], on_listening: Callable[[str, str], None]
    ) -> None:
        self._build = build
        self._on_fault = on_fault
        self._on_listening = on_listening
        self._wanted = ""
        self._is_closing = False
        self._bell_in, self._bell_out = socket.socketpair()
        self._bell_in.setblocking(False)
        self._bell_out.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="exporter", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def set_address(self, listen: str) -> None:
        """Listen at ``HOST:PORT`` from now on; nowhere when it is empty. Returns at once."""
        self._wanted = listen
        self._ring()

    def close(self) -> None:
        """Listen no more, and end the thread."""
        self._is_closing = True
        self._ring()
        if self._thread.is_alive():
            self._thread.join()
        self._bell_in.close()
        self._bell_out.close()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # a full bell rings already, a closed one has nobody to wake
            self._bell_in.send(b"!")

    def _run(self) -> None:
        told = ""
        while not self._is_closing:
            address = self._wanted
            listener, problem = _listen(address)
            if problem != told:
                told = problem
                self._on_fault(problem)
            if listener is None:
                self._wait(RETRY_S if address else None)
                continue
            with listener:
                self._on_listening(address, warn_of_exposure(address))
                while address == self._wanted and not self._is_closing:
                    if self._wait(None, listener):
                        self._serve(listener)
        if told:
            self._on_fault("")

    def _wait(self, timeout_s: float | None, listener: socket.socket | None = None) -> bool:
        """Wait until somebody calls (True), it is rung, or `timeout_s` seconds have passed."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._bell_out, selectors.EVENT_READ)
            if listener is not None:
                selector.register(listener, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in selector.select(timeout_s)]
        if self._bell_out in ready:
            with contextlib.suppress(BlockingIOError):
                self._bell_out.recv(4096)
        return listener in ready

    def _serve(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except OSError:  # it has gone again
            return
        with client, contextlib.suppress(OSError):  # one that hangs up, or is too slow, gets nothing
            deadline = time.monotonic() + CLIENT_LIMIT_S
            answer = self._answer(_read_head(client, deadline))
            client.settimeout(max(0.01, deadline - time.monotonic()))
            client.sendall(answer)
            client.shutdown(socket.SHUT_WR)

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if method not in {"GET", "HEAD"}:
            return _format_answer("405 Method Not Allowed", "only GET and HEAD\n")
        if path not in PATHS:
            return _format_answer("404 Not Found", "the metrics are at /metrics\n")
        return _format_answer("200 OK", self._build(), has_body=method == "GET")


def warn_of_exposure(listen: str) -> str:
    """A sentence when others than this machine can read the metrics; empty when they cannot."""
    host = split_address(listen)[0]
    try:
        is_local = ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        is_local = host.lower() == "localhost"
    if is_local:
        return ""
    return f"metrics on {listen} can be read from other machines, without a key: names, state and load"


def split_address(listen: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``; the configuration has checked it."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def _listen(address: str) -> tuple[socket.socket | None, str]:
    """A listening socket, or why there is none; neither when none is wanted."""
    if not address:
        return None, ""
    host, port = split_address(address)
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        return None, _describe(address, error)
    try:
        # Elsewhere it skips the wait after a restart; on Windows it would let two listen.
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen()
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        return None, _describe(address, error)
    return listener, ""


def _describe(address: str, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"metrics on {address}: {reason}; tried again every {RETRY_S:g} s, or change [metrics] listen"


def _read_head(client: socket.socket, deadline: float) -> bytes:
    """Everything up to the empty line.

    Raises:
        OSError: it did not come in time, or is too long.
    """
    head = b""
    while b"\r\n\r\n" not in head:
        client.settimeout(max(0.01, deadline - time.monotonic()))
        data = client.recv(4096)
        head += data
        if not data or len(head) > HEAD_LIMIT or time.monotonic() > deadline:
            raise TimeoutError
    return head


def _format_answer(status: str, text: str, *, has_body: bool = True) -> bytes:
    body = text.encode()
    kind = CONTENT_TYPE if status.startswith("200") else "text/plain; charset=utf-8"
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + (body if has_body else b"")
