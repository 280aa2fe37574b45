"""Servers that are killed, crash, hang or end at once."""

from __future__ import annotations

import sys

import pytest

from engine.snapshots import Act, EventType, State, Status
from tests.fakes.homes import (
    ThrowAwayHome,
    act,
    command_server,
    fake_table,
    is_alive,
    kill,
    seen,
    wait_for,
    wait_for_state,
)


def events(session: object, kind: EventType) -> list[dict[str, object]]:
    """The details of every event of this kind."""
    return [dict(event.meta) | {"message": event.message} for event in session.snapshot().events if event.type is kind]  # type: ignore[attr-defined]


def test_a_killed_server_is_known_told_and_replaced(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    session = den.open_session()
    act(session, Act.START, "a")
    first = wait_for_state(session, "a", State.READY)
    kill(first.pid or 0)
    wait_for(lambda: seen(session, "a").pid not in (None, first.pid), "its replacement runs")
    second = wait_for_state(session, "a", State.READY)
    assert (second.restarts, second.last_exit_signal) == (1, 9)
    assert second.port == first.port
    (told,) = events(session, EventType.EXITED)
    assert (told["signal"], told["intent"]) == (9, "")
    assert den.find_servers() == [second.pid]


@pytest.mark.parametrize("whom", ["keeper", "tree"])
def test_a_run_whose_keeper_is_killed_is_cleared_up_and_replaced(den: ThrowAwayHome, whom: str) -> None:
    flags = ("--spawn-grandchild",) if whom == "tree" else ()
    den.write_fakes("a", flags=flags)
    session = den.open_session()
    act(session, Act.START, "a")
    first = wait_for_state(session, "a", State.READY)
    old = den.find_servers()
    kill(first.keeper_pid or 0)
    wait_for(lambda: seen(session, "a").pid not in (None, first.pid), "its replacement runs")
    wait_for_state(session, "a", State.READY)
    assert not [pid for pid in old if is_alive(pid)]
    assert len(den.find_keepers()) == 1


def test_a_crash_loop_ends_as_failed_with_the_reason(den: ThrowAwayHome) -> None:
    den.write_fakes("a", flags=("--exit-code", "3", "--lines", "2"), extra="restart_policy.max_retries = 2")
    den.write_config(
        fake_table("a", "--exit-code", "3", "--lines", "2").replace("initial_delay", "max_retries = 2\ninitial_delay")
    )
    session = den.open_session()
    act(session, Act.START, "a")
    one = wait_for_state(session, "a", State.FAILED)
    assert (one.restarts, one.last_exit_code, one.status) == (2, 3, Status.FAILED)
    assert "3 ends in a row, 2 restarts allowed" in one.why
    assert len(events(session, EventType.EXITED)) == 3
    (given_up,) = events(session, EventType.FAILED)
    assert "exit code 3" in str(given_up["message"])
    assert "line: 2" in str(given_up["last_lines"])
    assert not den.find_processes()


def test_a_crash_loop_is_over_when_the_operator_stops_it(den: ThrowAwayHome) -> None:
    den.write_config(fake_table("a", "--exit-code", "3").replace("initial_delay = 0.05", "initial_delay = 60.0"))
    session = den.open_session()
    act(session, Act.START, "a")
    wait_for_state(session, "a", State.BACKOFF)
    assert act(session, Act.STOP, "a").exit_code == 0
    assert wait_for_state(session, "a", State.STOPPED).retry_at is None


def test_a_server_that_ends_within_a_millisecond_is_judged_like_any_other(den: ThrowAwayHome) -> None:
    den.write_config(
        '[instances.a]\ncommand = ["/bin/true"]\nhealthcheck.type = "none"\n'
        "restart_policy = { max_retries = 3, initial_delay = 0.0 }\n"
    )
    session = den.open_session()
    for _ in range(5):
        act(session, Act.START, "a")
        one = wait_for_state(session, "a", State.FAILED)
        assert (one.last_exit_code, one.restarts) == (0, 3)
    wait_for(lambda: not den.find_processes(), "no keeper is left")


def test_a_stop_during_the_load_stops_at_once(den: ThrowAwayHome) -> None:
    den.write_fakes("a", flags=("--load-seconds", "60"))
    session = den.open_session()
    act(session, Act.START, "a")
    wait_for_state(session, "a", State.LOADING)
    assert act(session, Act.STOP, "a", within_s=1.5).exit_code == 0
    assert wait_for_state(session, "a", State.STOPPED).last_error == ""
    assert not den.find_servers()


def test_a_kill_during_the_load_is_a_crash(den: ThrowAwayHome) -> None:
    den.write_fakes("a", flags=("--load-seconds", "0.3"))
    session = den.open_session()
    act(session, Act.START, "a")
    kill(wait_for_state(session, "a", State.LOADING).pid or 0)
    assert wait_for_state(session, "a", State.READY).restarts == 1


def test_a_hung_server_becomes_unhealthy_and_is_replaced(den: ThrowAwayHome) -> None:
    den.write_config(fake_table("a").replace("timeout = 2.0", "timeout = 0.3\nretries = 2"))
    session = den.open_session()
    act(session, Act.START, "a")
    first = wait_for_state(session, "a", State.READY)
    command_server(first.port or 0, do="hang")
    wait_for(lambda: seen(session, "a").pid not in (None, first.pid), "its replacement runs")
    assert wait_for_state(session, "a", State.READY).restarts == 1
    assert events(session, EventType.UNHEALTHY)


def test_a_server_that_ignores_the_polite_signals_is_stopped_all_the_same(den: ThrowAwayHome) -> None:
    den.write_config(
        fake_table("a", "--ignore-term", "--spawn-grandchild").replace("stop_grace = 2.0", "stop_grace = 0.3")
    )
    session = den.open_session()
    act(session, Act.START, "a")
    wait_for_state(session, "a", State.READY)
    assert act(session, Act.STOP, "a").exit_code == 0
    assert not den.find_processes()
    wait_for(lambda: events(session, EventType.KILLED), "the kill is told")


def test_closing_with_stop_leaves_nothing(den: ThrowAwayHome) -> None:
    den.write_fakes("a", "b", "c", flags=("--spawn-grandchild",))
    session = den.open_session()
    act(session, Act.START)
    for name in "abc":
        wait_for_state(session, name, State.READY)
    session.close(stop_instances=True)
    assert not den.find_processes()


def test_a_program_that_starts_no_server_is_no_mystery(den: ThrowAwayHome) -> None:
    den.write_config(
        f'[instances.a]\ncommand = ["{sys.executable}", "-c", "import sys; sys.exit(\'error: no model\')"]\n'
        'healthcheck.type = "none"\nrestart_policy.policy = "never"\n'
    )
    session = den.open_session()
    act(session, Act.START, "a")
    assert "error: no model" in wait_for_state(session, "a", State.FAILED).why
