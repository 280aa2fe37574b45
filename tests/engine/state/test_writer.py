from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from engine.snapshots import Desired, Event, EventQuery, EventType, Level
from engine.state.events import get_recent_events
from engine.state.reading import reading
from engine.state.store import open_store
from engine.state.writer import StateWriter, Write
from tests.fakes.waiting import wait_until


def _event(number: int) -> Event:
    return Event(float(number), "a", Level.INFO, EventType.STARTED, f"event {number}")


def _write(number: int) -> Write:
    event = _event(number)
    return lambda store: store.add_event(event)


def test_what_is_submitted_is_stored_in_order(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    writer = StateWriter(path, lambda _: None)
    writer.start()
    for number in range(1000):
        writer.submit(_write(number))
    assert writer.flush(10)
    writer.close()
    stored = get_recent_events(path, EventQuery(limit=2000))
    assert [event.message for event in stored] == [f"event {number}" for number in range(1000)]


def test_a_locked_database_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    store = open_store(path)
    assert store is not None
    store.close()
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    faults: list[str] = []
    writer = StateWriter(path, faults.append, busy_timeout_s=0.05)
    writer.start()
    writer.save_desired("a", Desired.RUNNING, "test", 1.0)
    assert wait_until(lambda: bool(faults))
    assert "locked" in faults[0]
    assert str(path) in faults[0]
    assert not writer.flush(0.05)
    locker.execute("ROLLBACK")
    locker.close()
    assert writer.flush(10)
    assert wait_until(lambda: faults[-1] == "")
    writer.close()
    with reading(path) as store:
        assert store is not None
        assert store.load_desired() == {"a": Desired.RUNNING}


def test_a_database_that_stays_locked_does_not_keep_the_writer_from_ending(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    store = open_store(path)
    assert store is not None
    store.close()
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    writer = StateWriter(path, lambda _: None, busy_timeout_s=0.05)
    writer.start()
    writer.save_desired("a", Desired.RUNNING, "test", 1.0)
    writer.close(timeout_s=0.1)
    locker.close()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    faults: list[str] = []
    writer = StateWriter(blocked / "state.sqlite", faults.append)
    writer.start()
    writer.save_desired("a", Desired.RUNNING, "test", 1.0)
    assert wait_until(lambda: bool(faults))
    writer.close(timeout_s=0.1)


def test_many_threads_may_submit(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    writer = StateWriter(path, lambda _: None)
    writer.start()

    def work() -> None:
        for number in range(200):
            writer.submit(_write(number))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert writer.flush(10)
    writer.close()
    assert len(get_recent_events(path, EventQuery(limit=10_000))) == 800
