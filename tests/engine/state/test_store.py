from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ExitCode, StateError
from engine.snapshots import (
    Act,
    Desired,
    Event,
    EventQuery,
    EventType,
    Health,
    Level,
    Outcome,
    Request,
    Status,
    Target,
)
from engine.state.events import get_recent_events, log_event
from engine.state.migrations import SCHEMA_VERSION
from engine.state.reading import reading
from engine.state.store import RuntimeRow, Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "state.sqlite")
    assert opened is not None
    return opened


def test_a_new_file_is_private_and_carries_the_schema_version(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.sqlite"
    opened = open_store(path)
    assert opened is not None
    with opened.transaction():
        opened.save_desired("a", Desired.RUNNING, "me", 1.0)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    opened.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    connection.close()


def test_a_newer_file_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE future (x)")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    for create in (True, False):
        with pytest.raises(StateError, match="newer version") as caught:
            open_store(path, create=create)
        assert caught.value.exit_code is ExitCode.STATE_DAMAGED
    assert path.read_bytes() == before


def test_a_damaged_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StateError, match="damaged"):
        open_store(path)
    with pytest.raises(StateError, match="damaged"):
        get_recent_events(path, EventQuery())


def test_a_file_that_is_damaged_further_in_is_told_and_left_alone(tmp_path: Path, store: Store) -> None:
    """The header is whole: only reading meets the damage."""
    path = tmp_path / "state.sqlite"
    for number in range(1000):
        store.add_event(Event(float(number), "a", Level.INFO, EventType.READY, "x" * 100))
    store.close()
    damaged = path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096)
    path.write_bytes(damaged)
    with pytest.raises(StateError, match=r"state\.sqlite: damaged .* move it away to begin anew"):
        get_recent_events(path, EventQuery())
    with pytest.raises(StateError, match="damaged"):
        log_event(path, Event(1.0, "a", Level.INFO, EventType.READY, ""))
    assert path.read_bytes() == damaged


def test_no_file_is_no_error_for_a_reader(tmp_path: Path) -> None:
    assert get_recent_events(tmp_path / "state.sqlite", EventQuery()) == ()
    assert not (tmp_path / "state.sqlite").exists()


def test_the_last_decision_counts(store: Store) -> None:
    store.save_desired("a", Desired.RUNNING, "me", 1.0)
    store.save_desired("a", Desired.STOPPED, "you", 2.0)
    store.save_desired("b", Desired.RUNNING, "me", 3.0)
    assert store.load_desired() == {"a": Desired.STOPPED, "b": Desired.RUNNING}
    assert store.load_decision_times() == {"a": 2.0, "b": 3.0}
    store.close()


def test_a_runtime_row_comes_back_as_it_was(store: Store) -> None:
    row = RuntimeRow(
        "a",
        run_id="r1",
        pid=4711,
        keeper_pid=4710,
        host="127.0.0.1",
        port=8080,
        cmdline="llama-server --api-key ***",
        binary="/usr/bin/llama-server",
        binary_version="version: 9000 (abc)",
        status=Status.BACKOFF,
        health=Health.HEALTHY,
        started_at=1.5,
        last_seen_at=2.5,
        last_health_ok_at=2.25,
        restarts=3,
        failures=2,
        retry_at=9.75,
        last_exit_run="r0",
        last_exit_code=1,
        last_exit_signal=None,
        last_error="exit code 1",
        log_dir="/logs/a",
    )
    store.save_runtime(row)
    assert store.load_runtime() == {"a": row}
    store.close()


def test_a_transaction_that_fails_writes_nothing(store: Store) -> None:

    def write_and_fail() -> None:
        with store.transaction():
            store.save_desired("a", Desired.RUNNING, "me", 1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert store.load_desired() == {}
    store.close()


def test_a_request_is_recorded_with_its_outcome_and_known_again(store: Store) -> None:
    request = Request("id1", Act.STOP, Target(("a",)), "cli", 1.0, 31.0)
    assert not store.has_request("id1")
    store.save_request(request, None, 1.0)
    assert store.has_request("id1")
    store.save_request(request, Outcome("id1", 0, "a: stopped", ("a",)), 2.0)
    assert store.settle_requests("never done", 33, 3.0) == 0
    store.save_request(Request("id2", Act.START, Target(("a",)), "cli", 1.0, 31.0), None, 1.0)
    assert store.settle_requests("never done", 33, 3.0) == 1
    store.close()


events = st.builds(
    Event,
    ts=st.floats(0, 1e10),
    instance=st.one_of(st.none(), st.sampled_from("abc")),
    level=st.sampled_from(Level),
    type=st.one_of(st.sampled_from(EventType), st.just("health_change")),
    message=st.text(st.characters(codec="utf-8")),
    meta=st.dictionaries(
        st.sampled_from(["code", "lines", "name"]),
        st.one_of(st.integers(-(2**31), 2**31), st.text(st.characters(codec="utf-8")), st.none(), st.booleans()),
    ).map(lambda pairs: tuple(sorted(pairs.items()))),
)


@settings(max_examples=50)
@given(
    st.lists(events, max_size=30),
    st.builds(
        EventQuery,
        instance=st.one_of(st.none(), st.sampled_from("abc")),
        since=st.one_of(st.none(), st.floats(0, 1e10)),
        until=st.one_of(st.none(), st.floats(0, 1e10)),
        level=st.one_of(st.none(), st.sampled_from(Level)),
        type=st.one_of(st.none(), st.sampled_from(EventType), st.just("health_change")),
        limit=st.integers(0, 40),
    ),
)
def test_a_query_gives_what_a_plain_filter_would(
    tmp_path_factory: pytest.TempPathFactory, written: list[Event], query: EventQuery
) -> None:
    store = open_store(tmp_path_factory.mktemp("query") / "state.sqlite")
    assert store is not None
    for event in written:
        store.add_event(event)
    louder = list(Level)[list(Level).index(query.level) :] if query.level else list(Level)
    matching = [
        (event.ts, number, event)
        for number, event in enumerate(written)
        if (query.instance is None or event.instance == query.instance)
        and (query.since is None or event.ts >= query.since)
        and (query.until is None or event.ts <= query.until)
        and event.level in louder
        and query.type in (None, event.type)
    ]
    wanted = [event for _, _, event in sorted(matching, key=lambda one: one[:2])]
    found = store.read_events(query)
    store.close()
    expected = wanted[len(wanted) - min(query.limit, len(wanted)) :]
    assert [(one.ts, one.instance, one.level, one.type, one.message, one.meta) for one in found] == [
        (one.ts, one.instance, one.level, one.type, one.message, one.meta) for one in expected
    ]


def test_a_reader_closes_what_it_opened(tmp_path: Path, store: Store) -> None:
    store.add_health("a", 1.0, Health.UNHEALTHY, None, "no answer")
    with reading(tmp_path / "state.sqlite") as found:
        assert found is not None
        assert found.read_health("a", 5) == ((1.0, Health.UNHEALTHY, None, "no answer"),)
    store.close()
