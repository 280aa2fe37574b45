"""The event log in the database: written to, asked and thinned out by whoever has its path, leader or not.

Each call opens a connection of its own. The supervisor writes through its journal instead, which never waits.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import StateError
from engine.snapshots import Event, EventQuery
from engine.state.reading import reading
from engine.state.store import Kept, Store, open_store
from engine.state.trouble import describe_damage

PIECE = 500
"""Rows deleted in one transaction: some 10 ms (more on a slow disk), which is what others wait for at most."""
PAUSE_S = 0.03
"""Between two pieces, so that who waits to write comes in between."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How much history is kept. Imported rows are kept in any case."""

    max_age_s: float
    max_rows: int
    """Of events, and as many of health records."""


def log_event(path: Path, event: Event) -> bool:
    """Append one event to the database at `path`; False when there is none yet.

    Raises:
        StateError: it is damaged, of another version, locked for too long, or its disk is full.
    """
    with _writing(path) as store:
        if store is None:
            return False
        with store.transaction():
            store.add_event(event)
        return True


def get_recent_events(path: Path, query: EventQuery) -> tuple[Event, ...]:
    """The newest stored events that match, oldest first; none when there is no database yet.

    Raises:
        StateError: the database cannot be read.
    """
    with reading(path) as store:
        return store.read_events(query) if store is not None else ()


def count_stored_events(path: Path) -> int:
    """How many events are stored; 0 when there is no database yet.

    Raises:
        StateError: the database cannot be read.
    """
    with reading(path) as store:
        return store.count_events() if store is not None else 0


def cleanup_old_events(path: Path, retention: Retention, now: float, stop: threading.Event) -> int:
    """Delete what is too old or too much of events, health records and requests, in pieces; how many rows.

    `now` is the wall clock's. `stop` ends it early, after at most one piece.

    Raises:
        StateError: the database is damaged, of another version, locked for too long, or its disk is full.
    """
    with _writing(path) as store:
        if store is None:
            return 0
        deleted = sum(_delete_older(store, table, now - retention.max_age_s, stop) for table in Kept)
        surplus = (Kept.EVENTS, Kept.HEALTH)
        return deleted + sum(_delete_surplus(store, table, retention.max_rows, stop) for table in surplus)


def _delete_older(store: Store, table: Kept, before: float, stop: threading.Event) -> int:
    # Each look begins where the last one ended: imported rows that stay are passed once, not once a piece.
    deleted, after = 0, float("-inf")
    while rows := store.find_older(table, after, before, PIECE):
        after = rows[-1][1]
        deleted += _delete(store, table, [number for number, _ in rows])
        if stop.wait(PAUSE_S):
            break
    return deleted


def _delete_surplus(store: Store, table: Kept, max_rows: int, stop: threading.Event) -> int:
    deleted = 0
    while not stop.is_set() and (numbers := store.find_surplus(table, max_rows, PIECE)):
        deleted += _delete(store, table, numbers)
        stop.wait(PAUSE_S)
    return deleted


def _delete(store: Store, table: Kept, numbers: list[int]) -> int:
    with store.transaction():
        store.delete_rows(table, numbers)
    return len(numbers)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[Store | None]:
    """The store for a moment of writing; None when there is none yet: only a leader makes one."""
    try:
        store = open_store(path, create=False)
        if store is None:
            yield None
            return
        with contextlib.closing(store):
            yield store
    except sqlite3.OperationalError as error:
        raise StateError(f"{path}: cannot be written: {error}") from error
    except sqlite3.DatabaseError as error:
        raise describe_damage(path, error) from error
