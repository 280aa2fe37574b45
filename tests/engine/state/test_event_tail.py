from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import StateError
from engine.snapshots import Event, EventQuery, EventType, Level
from engine.state.event_tail import follow_events
from engine.state.events import log_event
from engine.state.store import open_store


class Looks:
    """A stop that comes after so many looks at the database, and what is done between two of them."""

    def __init__(self, *between: Callable[[], object]) -> None:
        self._left = list(between)
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, _timeout: float | None = None, /) -> bool:
        if self._left:
            self._left.pop(0)()
            return False
        self._is_set = True
        return True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "state.sqlite"
    make_database(made)
    return made


def make_database(path: Path) -> None:
    store = open_store(path)
    assert store is not None
    store.close()


def add(path: Path, *words: str, **changes: object) -> None:
    """Store one event for each word."""
    for word in words:
        log_event(path, Event(**{**EVENT, "message": word, **changes}))  # type: ignore[arg-type]


EVENT = {"ts": 1000.0, "instance": "a", "level": Level.INFO, "type": EventType.STARTED, "message": ""}


def follow(path: Path, *between: Callable[[], object], query: EventQuery | None = None) -> list[str]:
    """The messages that a follower sees while this happens between its looks."""
    return [event.message for event in follow_events(path, query or EventQuery(), Looks(*between))]


def test_the_newest_come_first_and_then_each_one_once(path: Path) -> None:
    add(path, "one", "two", "three")
    seen = follow(
        path,
        lambda: add(path, "four", "five"),
        lambda: None,
        lambda: add(path, "six"),
        query=EventQuery(limit=2),
    )
    assert seen == ["two", "three", "four", "five", "six"]


def test_what_comes_is_chosen_as_what_was_there(path: Path) -> None:
    def store_all() -> None:
        add(path, "meant", level=Level.ERROR, type=EventType.EXITED)
        add(path, "another's", instance="b", level=Level.ERROR, type=EventType.EXITED)
        add(path, "supervisor's", instance=None, level=Level.ERROR, type=EventType.EXITED)
        add(path, "too quiet", type=EventType.EXITED)
        add(path, "of another type", level=Level.ERROR)
        add(path, "too old", ts=10.0, level=Level.ERROR, type=EventType.EXITED)

    store_all()
    query = EventQuery(instance="a", level=Level.WARNING, type=EventType.EXITED, since=500.0)
    assert follow(path, store_all, query=query) == ["meant", "meant"]


def test_many_at_once_come_whole_and_in_order(path: Path) -> None:
    words = [f"event {number}" for number in range(2500)]
    store = open_store(path)
    assert store is not None

    def store_all() -> None:
        with store.transaction():
            for word in words:
                store.add_event(Event(**{**EVENT, "message": word}))  # type: ignore[arg-type]

    assert follow(path, store_all) == words
    store.close()


def test_a_database_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "state" / "state.sqlite"
    assert follow(path, lambda: make_database(path), lambda: add(path, "first")) == ["first"]


def test_a_database_that_takes_the_place_of_another_is_followed_from_its_first_event(path: Path) -> None:
    add(path, *(f"old {number}" for number in range(5)))

    def replace() -> None:
        kept = path.with_name("kept")  # keeps the inode from being used again
        path.rename(kept)
        for file in path.parent.glob("state.sqlite-*"):
            file.unlink()
        make_database(path)
        add(path, "new")

    assert follow(path, replace, query=EventQuery(limit=1)) == ["old 4", "new"]


def test_a_deleted_folder_is_waited_for(path: Path) -> None:
    add(path, "before")

    def put_back() -> None:
        make_database(path)
        add(path, "after")

    assert follow(path, lambda: shutil.rmtree(path.parent), lambda: None, put_back) == ["before", "after"]


def test_a_locked_database_is_waited_for(path: Path) -> None:
    add(path, "before")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")

    def unlock() -> None:
        other.execute("ROLLBACK")
        other.close()

    assert follow(path, lambda: None, unlock, lambda: add(path, "after")) == ["before", "after"]


def test_a_damaged_database_is_said(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(StateError, match="damaged"):
        follow(path)
