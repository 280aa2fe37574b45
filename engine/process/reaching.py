"""Connecting to a socket of ours, wherever it lies."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from engine.paths import find_socket_places
from engine.process import system


def reach(path: Path, limit_s: float) -> socket.socket | None:
    """A connection to the socket whose place is `path`, with `limit_s` set on it; None when nobody of ours listens."""
    for place in find_socket_places(path):
        with contextlib.suppress(OSError):
            return system.connect_private(place, limit_s)
    return None
