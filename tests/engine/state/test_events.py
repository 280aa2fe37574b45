"""The event log: written by anybody, asked by everything it holds, thinned out in pieces."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from engine.clock import Clock
from engine.errors import StateError
from engine.snapshots import Act, Event, EventQuery, EventType, Health, Level, Request, Target
from engine.state import expiry as expiry_module
from engine.state.events import PIECE, Retention, cleanup_old_events, get_recent_events, log_event
from engine.state.expiry import Expiry
from engine.state.reading import read_stored_health
from engine.state.store import open_store
from tests.fakes.homes import wait_for

FOREVER_S = 1e12


@pytest.fixture
def path(tmp_path: Path) -> Path:
    store = open_store(tmp_path / "state.sqlite")
    assert store is not None
    store.close()
    return tmp_path / "state.sqlite"


def told(ts: float, instance: str | None = "a", level: Level = Level.INFO, kind: EventType = EventType.READY) -> Event:
    return Event(ts, instance, level, kind, f"at {ts:g}", (("who", "cli"),))


def fill(path: Path, count: int) -> None:
    """Events and health records, one a second from 0."""
    store = open_store(path)
    assert store is not None
    with store.transaction():
        for number in range(count):
            store.add_event(told(float(number)))
            store.add_health("a", float(number), Health.HEALTHY, 1.0, "")
    store.close()


def times(path: Path, **wanted: object) -> list[float]:
    return [event.ts for event in get_recent_events(path, EventQuery(**wanted))]  # type: ignore[arg-type]


def test_an_event_is_found_by_instance_level_type_and_time(path: Path) -> None:
    fail = told(3.0, "b", Level.ERROR, EventType.FAILED)
    for event in (told(1.0), told(2.0, "b"), fail, told(4.0, None, Level.WARNING, EventType.FAULT)):
        assert log_event(path, event)
    assert times(path) == [1.0, 2.0, 3.0, 4.0]
    assert times(path, instance="b") == [2.0, 3.0]
    assert times(path, since=2.0, until=3.0) == [2.0, 3.0]
    assert times(path, level=Level.WARNING) == [3.0, 4.0]
    assert times(path, level=Level.ERROR, instance="a") == []
    assert times(path, type=EventType.READY) == [1.0, 2.0]
    assert times(path, type=EventType.READY, instance="b", until=2.5) == [2.0]
    (found,) = get_recent_events(path, EventQuery(level=Level.ERROR))
    assert (found.message, found.meta) == (fail.message, fail.meta)


def test_without_a_database_nothing_is_logged_found_or_made(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    assert not log_event(path, told(1.0))
    assert cleanup_old_events(path, Retention(1.0, 1), 100.0, threading.Event()) == 0
    assert get_recent_events(path, EventQuery()) == ()
    assert not path.exists()


def test_what_is_too_old_goes_in_pieces_events_health_and_requests_alike(path: Path) -> None:
    fill(path, 2 * PIECE + 10)
    store = open_store(path)
    assert store is not None
    for number in range(10):
        store.save_request(Request(str(number), Act.STOP, Target(), "cli", float(number), 30.0), None, 0.0)
    store.close()
    assert cleanup_old_events(path, Retention(5.0, 10**9), 2 * PIECE + 10.0, threading.Event()) == 4 * PIECE + 10 + 10
    assert times(path) == [2.0 * PIECE + number for number in range(5, 10)]
    assert len(read_stored_health(path, "a", 100)) == 5


def test_beyond_the_cap_the_oldest_go(path: Path) -> None:
    fill(path, PIECE + 30)
    assert cleanup_old_events(path, Retention(FOREVER_S, 20), 0.0, threading.Event()) == 2 * (PIECE + 10)
    assert times(path) == [float(PIECE + 10 + number) for number in range(20)]
    assert cleanup_old_events(path, Retention(FOREVER_S, 20), 0.0, threading.Event()) == 0


def test_imported_rows_take_no_place_under_the_cap(path: Path) -> None:
    store = open_store(path)
    assert store is not None
    for number in range(30):
        store.add_event(told(float(number)))
        store.add_event(told(-1.0), f"there:{number}")
    store.close()
    cleanup_old_events(path, Retention(10.0, 30), 0.0, threading.Event())
    assert times(path) == [-1.0] * 30 + [float(number) for number in range(30)]


def test_expiry_ends_after_a_piece_when_it_is_told_to(path: Path) -> None:
    fill(path, 3 * PIECE)
    stop = threading.Event()
    stop.set()
    assert cleanup_old_events(path, Retention(1.0, 1), FOREVER_S, stop) < 3 * PIECE
    assert len(times(path, limit=10**6)) > 0


def test_others_write_while_much_expires(path: Path) -> None:
    """A writer that would not wait a quarter of a second gets in between two pieces."""
    fill(path, 10 * PIECE)
    began, errors = threading.Event(), []

    def write() -> None:
        began.wait()
        connection = sqlite3.connect(path, timeout=0.25, isolation_level=None)
        try:
            for number in range(20):
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO desired VALUES (?, 'running', 'me', 1.0)", (str(number),))
                connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            errors.append(error)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    began.set()
    assert cleanup_old_events(path, Retention(1.0, 1), FOREVER_S, threading.Event()) == 20 * PIECE
    writer.join()
    assert not errors


def test_a_database_that_cannot_be_thinned_out_says_why(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StateError, match="damaged"):
        cleanup_old_events(path, Retention(1.0, 1), 0.0, threading.Event())


def test_the_expiry_thread_ends_at_once_though_its_hour_is_not_over(path: Path) -> None:
    expiry = Expiry(path, Clock(), lambda _: None)
    expiry.follow(Retention(1.0, 1))
    expiry.start()
    expiry.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "expiry"]


def test_what_kept_history_from_expiring_is_told_once_and_its_end_soon(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry_module, "FIRST_DELAY_S", 0.0)
    monkeypatch.setattr(expiry_module, "RETRY_DELAY_S", 0.01)
    fault = "state.sqlite: cannot be written: database or disk is full"
    tries: list[int] = []

    def clean(*_: object) -> None:
        tries.append(1)
        if len(tries) < 4:
            raise StateError(fault)

    monkeypatch.setattr(expiry_module, "cleanup_old_events", clean)
    words: list[str] = []
    expiry = Expiry(path, Clock(), words.append)
    expiry.follow(Retention(1.0, 1))
    expiry.start()
    wait_for(lambda: len(words) > 1, "its end is told")
    expiry.close()
    assert words == [
        "state.sqlite: cannot be written: database or disk is full; what is too old stays until that is over",
        "",
    ]
