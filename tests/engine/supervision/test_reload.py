"""A changed file is taken up at once; what needs a restart is marked, and never done unasked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.session import Session
from engine.snapshots import Act, EventType, InstanceSnapshot, State
from tests.fakes.homes import (
    ThrowAwayHome,
    act,
    fake_table,
    free_port,
    seen,
    throw_away_home,
    wait_for,
    wait_for_state,
)

PORT = str(free_port())


@pytest.fixture
def home() -> Iterator[ThrowAwayHome]:
    with throw_away_home() as made:
        write(made)
        yield made


def write(home: ThrowAwayHome, *flags: str, extra: str = "") -> None:
    home.write_config(fake_table("a", *flags, extra=extra, port=PORT))


def running(home: ThrowAwayHome) -> tuple[Session, InstanceSnapshot]:
    session = home.open_session()
    act(session, Act.START, "a")
    return session, wait_for_state(session, "a", State.READY)


def wait_for_mark(session: Session, *, is_set: bool) -> InstanceSnapshot:
    return wait_for(
        lambda: one if (one := seen(session, "a")).needs_restart is is_set else None, f"the mark is {is_set}"
    )


def reconfigured(session: Session) -> int:
    return sum(one.type is EventType.RECONFIGURED for one in session.snapshot().events)


def test_a_changed_command_line_is_marked_and_the_server_is_left_alone(home: ThrowAwayHome) -> None:
    session, before = running(home)
    write(home, "--lines", "3")
    marked = wait_for_mark(session, is_set=True)
    assert marked.pid == before.pid
    assert marked.why.endswith("restart to take up the changed configuration")
    assert "needs a restart" in dict(session.describe("a").sections[0].rows)
    act(session, Act.RESTART, "a")
    wait_for_mark(session, is_set=False)


def test_what_applies_to_a_running_server_is_taken_up_without_a_mark(home: ThrowAwayHome) -> None:
    session, before = running(home)
    write(home, extra='tags = ["chat"]')
    wait_for(lambda: seen(session, "a").tags == ("chat",), "the tag is taken up")
    assert not seen(session, "a").needs_restart
    assert seen(session, "a").pid == before.pid


def test_a_change_that_is_taken_back_takes_its_mark_with_it(home: ThrowAwayHome) -> None:
    session, _ = running(home)
    write(home, "--lines", "3")
    wait_for_mark(session, is_set=True)
    write(home)
    wait_for_mark(session, is_set=False)


def test_a_change_while_nobody_watched_is_marked_by_the_next_leader(home: ThrowAwayHome) -> None:
    session, before = running(home)
    home.close_session(session)
    write(home, "--lines", "3")
    session = home.open_session()
    marked = wait_for_mark(session, is_set=True)
    assert marked.pid == before.pid
    write(home)
    wait_for_mark(session, is_set=False)


def test_a_run_that_is_as_the_file_says_is_not_marked_by_the_next_leader(home: ThrowAwayHome) -> None:
    session, before = running(home)
    home.close_session(session)
    session = home.open_session()
    wait_for_state(session, "a", State.READY)
    write(home, extra='tags = ["chat"]')
    wait_for(lambda: seen(session, "a").tags == ("chat",), "the tag is taken up")
    one = seen(session, "a")
    assert (one.needs_restart, one.pid) == (False, before.pid)


def test_a_broken_file_is_told_and_the_last_good_one_stays_in_force(home: ThrowAwayHome) -> None:
    session, before = running(home)
    home.write_config("[[[")
    fault = wait_for(
        lambda: next((one for one in session.snapshot().faults if one.key == "config"), None), "the fault is told"
    )
    assert "config.toml:1: not valid TOML" in fault.message
    assert seen(session, "a").pid == before.pid
    write(home)
    wait_for(lambda: not session.snapshot().faults, "the fault is gone")
    assert not seen(session, "a").needs_restart
    assert reconfigured(session) == 0
