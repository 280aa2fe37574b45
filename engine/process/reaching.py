"""Connecting to a socket of ours, wherever it lies."""

from __future__ import annotations

import contextlib
import socket
import sys
from pathlib import Path

from engine.paths import short_socket_dir
from engine.process import system


def reach(path: Path, limit_s: float) -> socket.socket | None:
    """A connection to the socket whose place is `path`, with `limit_s` set on it; None when nobody of ours listens."""
    for place in find_socket_places(path):
        with contextlib.suppress(OSError):
            return system.connect_private(place, limit_s)
    return None


def find_socket_places(path: Path) -> list[Path]:
    """Where to look for a socket of ours that is made at `path`: there, and where versions up to 0.9 made it.

    What lies in a shared folder counts only where our part of it is ours: somebody else may have been there first.
    """
    shared = short_socket_dir()
    if sys.platform == "win32" or path.parent != shared:
        return [path]
    import tempfile  # noqa: PLC0415 - few homes are so deep

    former = Path(tempfile.gettempdir()) / shared.name  # TMPDIR was asked
    return [folder / path.name for folder in dict.fromkeys((shared, former)) if _is_ours(folder)]


def _is_ours(folder: Path) -> bool:
    try:
        return system.is_own_file(str(folder))
    except OSError:
        return False
