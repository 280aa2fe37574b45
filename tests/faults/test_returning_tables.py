"""A configuration that was unreadable, or lost a table, and is mended: what was wanted is wanted still."""

from __future__ import annotations

from engine.errors import ExitCode
from engine.snapshots import Act, State
from tests.fakes.homes import ThrowAwayHome, act, fake_table, kill, portless_table, seen, wait_for, wait_for_state

NOT_TOML = "this is [not toml"


def test_what_a_new_leader_adopted_under_an_unreadable_file_is_watched_once_the_file_is_mended(
    den: ThrowAwayHome,
) -> None:
    good = portless_table("a")
    den.write_config(good)
    session = den.open_session()
    act(session, Act.START, "a")
    server = wait_for_state(session, "a", State.READY).pid
    den.close_session(session)
    den.write_config(NOT_TOML)
    session = den.open_session()
    assert wait_for_state(session, "a", State.LOADING).pid == server
    den.write_config(good)
    assert wait_for_state(session, "a", State.READY).pid == server


def test_what_was_wanted_before_a_leader_that_could_not_read_the_file_comes_back_with_the_file(
    den: ThrowAwayHome,
) -> None:
    den.write_fakes("a", "b")
    good = den.home.config_file.read_text(encoding="utf-8")
    session = den.open_session()
    act(session, Act.START, "a")
    one = wait_for_state(session, "a", State.READY)
    den.close_session(session)
    kill(one.pid or 0)
    wait_for(lambda: not den.find_processes(), "its run has ended")
    den.write_config(NOT_TOML)
    session = den.open_session()
    wait_for(lambda: session.snapshot().faults, "the fault is told")
    den.write_config(good)
    assert wait_for_state(session, "a", State.READY).pid != one.pid
    assert seen(session, "b").state is State.STOPPED


def test_a_table_that_is_taken_out_while_its_instance_waits_to_be_restarted_comes_back_as_wanted(
    den: ThrowAwayHome,
) -> None:
    waiting = fake_table("a", "--exit-code", "3").replace("initial_delay = 0.05", "initial_delay = 60.0")
    den.write_config(waiting + fake_table("b"))
    session = den.open_session()
    act(session, Act.START, "a")
    wait_for_state(session, "a", State.BACKOFF)
    den.write_config(fake_table("b"))
    wait_for(lambda: session.snapshot().find("a") is None, "it is gone")
    den.write_config(waiting + fake_table("b"))
    wait_for_state(session, "a", State.BACKOFF)


def test_what_failed_for_want_of_a_readable_file_is_started_once_the_file_is_mended(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    good = den.home.config_file.read_text(encoding="utf-8")
    session = den.open_session()
    act(session, Act.START, "a")
    one = wait_for_state(session, "a", State.READY)
    den.close_session(session)
    den.write_config(NOT_TOML)
    session = den.open_session()
    wait_for(lambda: seen(session, "a").pid == one.pid, "it is adopted")
    kill(one.pid or 0)
    assert "not valid TOML" in wait_for_state(session, "a", State.FAILED).why
    den.write_config(good)
    assert wait_for_state(session, "a", State.READY).pid != one.pid


def test_a_start_that_a_broken_table_keeps_from_its_turn_is_answered_as_a_fault_of_the_configuration(
    den: ThrowAwayHome,
) -> None:
    """What it needs was never read right by this leader."""
    den.write_config(fake_table("b", extra='depends_on = ["a"]') + fake_table("a", port="99999"))
    session = den.open_session()
    assert act(session, Act.START, "b").exit_code == ExitCode.CONFIG_INVALID
    assert "99999" in wait_for_state(session, "a", State.FAILED).why
