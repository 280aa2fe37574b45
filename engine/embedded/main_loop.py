"""Waits until the embedded server's main loop runs.

xllamacpp says that it is ready a moment before that, and a stop that comes in between is lost: it waits for the
end of a loop that then only begins. An answer that the main loop itself has given proves that the moment is over.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Sequence

PATIENCE_S = 10.0
"""How long one answer may take; the loop answers in a millisecond unless a client keeps it busy already."""

QUESTION = "/lora-adapters"
"""Answered by the main loop, whatever the server was told to serve; it logs nothing."""

LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, never bound
"""Where to reach a server that listens on every address; not every system connects to the wildcard."""


def wait_for_main_loop(host: str, port: int, *, prefix: str, keys: Sequence[str]) -> None:
    """Return when the server on this address has answered once.

    A server that cannot be asked is taken to run: the wait only guards against a stop in its first moments.
    """
    key = f"X-Api-Key: {keys[0]}\r\n" if keys else ""
    request = f"GET {prefix}{QUESTION} HTTP/1.1\r\nHost: localhost\r\n{key}Connection: close\r\n\r\n"
    with contextlib.suppress(OSError), _connect(host, port) as connection:
        connection.settimeout(PATIENCE_S)
        connection.sendall(request.encode())
        connection.recv(1)


def _connect(host: str, port: int) -> socket.socket:
    if sys.platform == "win32" or not host.endswith(".sock"):
        return socket.create_connection((LOOPBACK_OF.get(host, host), port), timeout=PATIENCE_S)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(host)
    return connection
