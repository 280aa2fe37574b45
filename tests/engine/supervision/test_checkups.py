"""Health, as a leader over stand-in servers tells and keeps it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.session import Session
from engine.snapshots import Act, Event, EventType, Health, InstanceSnapshot, State
from engine.state.reading import read_stored_health
from tests.fakes.homes import (
    ThrowAwayHome,
    act,
    command_server,
    fake_table,
    seen,
    throw_away_home,
    wait_for,
    wait_for_state,
)

QUICK = "interval = 0.05\ntimeout = 0.3\n"


@pytest.fixture
def den() -> Iterator[ThrowAwayHome]:
    with throw_away_home() as made:
        yield made


def _open(den: ThrowAwayHome, *flags: str, health: str = QUICK) -> Session:
    table = fake_table("a", *flags).replace("interval = 0.2\ntimeout = 2.0\n", health)
    den.write_config(table)
    session = den.open_session()
    assert act(session, Act.START, "a").exit_code == 0
    return session


def _events(session: Session, kind: EventType) -> list[Event]:
    return [event for event in session.snapshot().events if event.type is kind]


def test_a_hung_server_is_unhealthy_says_so_and_is_replaced(den: ThrowAwayHome) -> None:
    session = _open(den)
    first = wait_for_state(session, "a", State.READY)
    command_server(first.port or 0, do="hang")
    fresh = wait_for(lambda: _other_run(session, first.run_id), "another run is ready")
    (event,) = _events(session, EventType.UNHEALTHY)
    assert event.message.startswith("unhealthy: hangs: it took the connection")
    assert "hangs" in fresh.last_error
    assert {Health.UNHEALTHY, Health.HEALTHY} <= set(fresh.health_strip)
    assert len(fresh.health_strip) <= 20


def test_a_server_that_completes_nothing_never_becomes_ready(den: ThrowAwayHome) -> None:
    session = _open(den, health=QUICK + "retries = 1000\nwarmup_enabled = true\n")
    one = wait_for_state(session, "a", State.WARMING)
    assert _events(session, EventType.WARMING)
    wait_for(lambda: "the last try failed: warm-up: /completion answered 404" in seen(session, "a").why, "why")
    assert not _events(session, EventType.READY)
    assert one.health is Health.LOADING


def test_health_that_comes_and_goes_is_an_event_and_a_note(den: ThrowAwayHome) -> None:
    session = _open(den, health=QUICK + "retries = 1000\n")
    port = wait_for_state(session, "a", State.READY).port or 0
    for _ in range(4):
        for code, health in ((500, Health.UNHEALTHY), (200, Health.HEALTHY)):
            command_server(port, do="status", code=code)
            wait_for(lambda health=health: seen(session, "a").health_strip[-1:] == (health,), "the answer is seen")  # type: ignore[misc]
    assert len(_events(session, EventType.FLAPPING)) == 1
    assert seen(session, "a").why == "answers; its health comes and goes"


def test_the_history_holds_changes_and_not_every_answer(den: ThrowAwayHome) -> None:
    session = _open(den)
    wait_for_state(session, "a", State.READY)
    wait_for(lambda: len(seen(session, "a").health_strip) == 20, "twenty answers")
    den.close_session(session)
    rows = read_stored_health(den.home.state_file, "a", 100)
    assert [row[1] for row in rows if row[1] is Health.HEALTHY] == [Health.HEALTHY]
    assert len(rows) <= 2


def test_who_waits_says_why_what_it_needs_has_failed(den: ThrowAwayHome) -> None:
    db = fake_table("db", "--exit-code", "3").replace("initial_delay", "max_retries = 0\ninitial_delay")
    den.write_config(db + fake_table("web", extra='depends_on = ["db"]'))
    session = den.open_session()
    act(session, Act.START, "web")
    wait_for_state(session, "db", State.FAILED)
    wait_for(lambda: seen(session, "web").why.startswith("waiting for db: failed, "), "the wait is explained")
    assert "exit code 3" in seen(session, "web").why


def _other_run(session: Session, run_id: str) -> InstanceSnapshot | None:
    one = seen(session, "a")
    return one if one.state is State.READY and one.run_id != run_id else None
