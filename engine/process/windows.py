"""Windows, behind the same interface as POSIX. This version does not supervise there yet, and says so.

What is to stand here: a keeper in a Job Object, ``msvcrt`` locks, named pipes with an ACL. Until then the entry point
refuses with the words below, before anything is touched.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from engine.errors import UnsupportedSystemError


def refuse() -> NoReturn:
    """Say that this system is not supervised yet, and what to do instead.

    Raises:
        UnsupportedSystemError: always.
    """
    raise UnsupportedSystemError("Windows: this version cannot supervise here yet; run it inside WSL")


def spawn_detached(argv: list[str], env: dict[str, str], pipes: tuple[int, int], errors: str) -> int:
    """Refused: see `refuse`."""
    refuse()


def send_handles(connection: socket.socket, data: bytes, handles: Sequence[int]) -> None:
    """Refused: see `refuse`."""
    refuse()


def reap_child(pid: int) -> bool:
    """Refused: see `refuse`."""
    refuse()


def await_child(pid: int) -> None:
    """Refused: see `refuse`."""
    refuse()


def ask_to_end(pid: int) -> None:
    """Refused: see `refuse`."""
    refuse()


def end_child(pid: int) -> None:
    """Refused: see `refuse`."""
    refuse()


def kill_process(pid: int) -> None:
    """Refused: see `refuse`."""
    refuse()


def kill_session(leader: int) -> None:
    """Refused: see `refuse`."""
    refuse()


def is_locked(path: str) -> bool:
    """Refused: see `refuse`."""
    refuse()


def is_same_file(handle: int, path: str) -> bool:
    """Refused: see `refuse`."""
    refuse()


def holds_deleted(pid: int, path: str) -> bool:
    """Refused: see `refuse`."""
    refuse()


def identify_file(path: str) -> tuple[int, int] | None:
    """Refused: see `refuse`."""
    refuse()


def is_own_file(path: str) -> bool:
    """Refused: see `refuse`."""
    refuse()


def make_private_dir(path: str) -> None:
    """Refused: see `refuse`."""
    refuse()


def read_boot_id() -> str:
    """Refused: see `refuse`."""
    refuse()


def read_start_ticks(pid: int) -> int | None:
    """Refused: see `refuse`."""
    refuse()


def listen_private(path: Path) -> socket.socket:
    """Refused: see `refuse`."""
    refuse()


def connect_private(path: Path, timeout_s: float) -> socket.socket:
    """Refused: see `refuse`."""
    refuse()
