"""Reading the database without leading: for commands, followers and screens, each time over a connection of its own."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from engine.errors import StateError
from engine.snapshots import Health
from engine.state.store import BUSY_TIMEOUT_S, Store, open_store
from engine.state.trouble import describe_damage
from engine.state.upgrade import read_version, refuse_newer

IMPORTS_SINCE = 2
"""The schema version that first told imported rows from others."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Store | None]:
    """The store for a moment of reading; None when there is none yet.

    Raises:
        StateError: it is damaged, locked for too long, or of another version.
    """
    try:
        store = open_store(path, create=False)
        if store is None:
            yield None
            return
        with contextlib.closing(store):
            yield store
    except sqlite3.OperationalError as error:
        raise StateError(f"{path}: cannot be read: {error}") from error
    except sqlite3.DatabaseError as error:
        raise describe_damage(path, error) from error


def read_stored_health(path: Path, name: str, limit: int) -> tuple[tuple[float, Health, float | None, str], ...]:
    """The newest health records of an instance, oldest first.

    Raises:
        StateError: the database cannot be read.
    """
    with reading(path) as store:
        return store.read_health(name, limit) if store is not None else ()


def read_imported(path: Path) -> frozenset[str]:
    """Where every imported row comes from; none when there is no database yet, or one from before imports.

    Raises:
        StateError: it is damaged, locked for too long, or newer than this program.
    """
    if not path.exists() or read_schema_version(path) < IMPORTS_SINCE:
        return frozenset()
    with reading(path) as store:
        return store.load_imported() if store is not None else frozenset()


def refuse_newer_database(path: Path) -> None:
    """Let no command act on a home that a newer version keeps; one whose database cannot be asked now may be ours.

    Raises:
        StateError: the database at `path` is newer than this program; it is untouched.
    """
    if not path.exists():
        return
    with contextlib.suppress(sqlite3.Error), _asking(path, BUSY_TIMEOUT_S) as connection:
        try:
            refuse_newer(connection)
        except StateError as error:
            raise StateError(f"{path}: {error}") from error


def read_schema_version(path: Path, timeout_s: float = BUSY_TIMEOUT_S) -> int:
    """How many migrations the database at `path` has had; it is not made where there is none.

    Raises:
        StateError: it is not there, damaged, or locked for longer than `timeout_s` seconds.
    """
    try:
        with _asking(path, timeout_s) as connection:
            return read_version(connection)
    except sqlite3.Error as error:
        raise StateError(f"{path}: cannot be read: {error}") from error


@contextlib.contextmanager
def _asking(path: Path, timeout_s: float) -> Iterator[sqlite3.Connection]:
    """A connection that makes no database where there is none."""
    with contextlib.closing(
        sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=timeout_s)
    ) as connection:
        yield connection
