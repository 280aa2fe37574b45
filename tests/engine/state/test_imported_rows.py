"""Rows of another program in our database: stored once, kept whatever their age, whatever words they use."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from engine import wire
from engine.snapshots import Event, EventQuery, EventType, Health, Level, Snapshot
from engine.state.events import Retention, cleanup_old_events, get_recent_events
from engine.state.migrations import MIGRATIONS, SCHEMA_VERSION
from engine.state.reading import read_imported, read_stored_health
from engine.state.store import Store, open_store

FOREIGN = Event(1.0, "qwen", Level.INFO, "health_change", "loading → healthy", (("old_name", "q"),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


def opened(path: Path) -> Store:
    store = open_store(path)
    assert store is not None
    return store


def make_version_1(path: Path) -> None:
    """A file as the first schema left it, with a row in each table that version 2 changes."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        MIGRATIONS[0](connection)
        connection.execute("INSERT INTO events VALUES (7, 1.0, 'qwen', 'info', 'ready', 'ready after 2 s', '{}')")
        connection.execute("INSERT INTO health_history VALUES (9, 'qwen', 2.0, 'healthy', 3.5, '')")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()


def test_a_file_of_version_1_keeps_its_rows_and_learns_to_tell_imported_ones(path: Path) -> None:
    make_version_1(path)
    assert read_imported(path) == frozenset()
    with contextlib.closing(opened(path)) as store:
        assert [(event.id, event.type) for event in store.read_events(EventQuery())] == [(7, EventType.READY)]
        assert store.read_health("qwen", 9) == ((2.0, Health.HEALTHY, 3.5, ""),)
        store.add_event(FOREIGN, "there:1")
        assert store.load_imported() == frozenset(["there:1"])
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert connection.execute("SELECT imported_from FROM events WHERE id = 7").fetchone() == (None,)


def test_a_row_is_imported_once_and_our_own_as_often_as_they_happen(path: Path) -> None:
    with contextlib.closing(opened(path)) as store:
        for _ in range(2):
            store.add_event(FOREIGN, "events:1")
            store.add_health("qwen", 1.0, Health.HEALTHY, None, "", "health:1")
            store.add_event(FOREIGN)
            store.add_health("qwen", 1.0, Health.HEALTHY, None, "")
        assert len(store.read_events(EventQuery())) == 3
        assert len(store.read_health("qwen", 9)) == 3
    assert read_imported(path) == {"events:1", "health:1"}


def test_age_expires_our_rows_and_no_imported_one(path: Path) -> None:
    with contextlib.closing(opened(path)) as store:
        for table in ("events", "health_history"):
            store.add_event(FOREIGN, f"{table}:1")
            store.add_health("qwen", 1.0, Health.HEALTHY, None, "", f"{table}:2")
        store.add_event(FOREIGN)
        store.add_health("qwen", 1.0, Health.HEALTHY, None, "")
    assert cleanup_old_events(path, Retention(1.0, 1), 5.0, threading.Event()) == 2
    assert [event.id for event in get_recent_events(path, EventQuery())] == [1, 2]
    assert len(read_stored_health(path, "qwen", 9)) == 2


def test_a_word_for_a_type_that_is_not_ours_comes_through_the_database_and_the_wire(path: Path) -> None:
    with contextlib.closing(opened(path)) as store:
        store.add_event(FOREIGN, "there:1")
        store.add_event(Event(2.0, "qwen", Level.INFO, EventType.READY, "ready"))
    stored = get_recent_events(path, EventQuery())
    assert [event.type for event in stored] == ["health_change", "ready"]
    heard = wire.decode_frame(wire.encode_snapshot(wire.encode_body(Snapshot()), stored))
    assert isinstance(heard, Snapshot)
    assert heard.events == stored
    assert [isinstance(event.type, EventType) for event in heard.events] == [False, True]
