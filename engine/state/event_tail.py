"""Following the event log in the database, with or without a leader: the newest events, then each one that comes.

Events are stored by whoever leads. A look at one to which nothing was added costs a `stat` and a step into an index.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from engine.protocol import Stop
from engine.snapshots import Event, EventQuery, Level
from engine.state.store import Store, open_store
from engine.state.trouble import describe_damage

LOOK_PERIOD_S = 0.1
BUSY_TIMEOUT_S = 0.2
"""How long one look waits for a lock."""
PAGE = 1000
"""Events read at once."""
_LEVELS = tuple(Level)


def follow_events(path: Path, query: EventQuery, stop: Stop) -> Iterator[Event]:
    """The stored events that match, then every one that is stored until `stop`.

    A database that is not there yet, or that is locked for a while, is waited for; one that takes the place of another
    is followed from its first event on.

    Raises:
        StateError: it is damaged, or of another version.
    """
    with contextlib.closing(_EventTail(path, query)) as tail:
        is_last = False
        while True:
            for event in tail.read():
                yield event
                if stop.is_set() and not is_last:
                    return
            if is_last:
                return
            is_last = stop.wait(LOOK_PERIOD_S)


class _EventTail:
    """What has been read so far. Used by one thread."""

    def __init__(self, path: Path, query: EventQuery) -> None:
        self._path = path
        self._query = query
        self._store: Store | None = None
        self._inode: int | None = None
        self._last_id: int | None = None
        """The newest event looked at; None before the first look."""

    def read(self) -> Iterator[Event]:
        """What is new; nothing while the database cannot be asked for a passing reason.

        Raises:
            StateError: it is damaged, or of another version.
        """
        try:
            if (store := self._open()) is not None:
                yield from self._read_new(store)
        except sqlite3.OperationalError:
            self.close()  # locked, or taken away: the next look goes on from where this one came to
        except sqlite3.DatabaseError as error:
            raise describe_damage(self._path, error) from error

    def close(self) -> None:
        """Let go of the database. Idempotent."""
        store, self._store = self._store, None
        if store is not None:
            store.close()

    def _open(self) -> Store | None:
        """The database that is at the path now; None when there is none."""
        inode = _find_inode(self._path)
        if inode != self._inode:
            self.close()
            if self._last_id is not None:
                self._last_id = 0  # another database, which counts anew
            self._inode = inode
        if self._store is None and inode is not None:
            self._store = open_store(self._path, create=False, busy_timeout_s=BUSY_TIMEOUT_S)
        return self._store

    def _read_new(self, store: Store) -> Iterator[Event]:
        if self._last_id is None:
            newest = store.find_newest_event()
            events = store.read_events(self._query)
            self._last_id = newest
            yield from (event for event in events if event.id <= newest)  # the others come with the next page
        while page := store.read_events_after(self._last_id, PAGE):
            for event in page:
                self._last_id = event.id
                if self._is_meant(event):
                    yield event

    def _is_meant(self, event: Event) -> bool:
        query = self._query
        return (
            query.instance in (None, event.instance)
            and query.type in (None, event.type)
            and (query.level is None or _LEVELS.index(event.level) >= _LEVELS.index(query.level))
            and (query.since is None or event.ts >= query.since)
        )


def _find_inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
