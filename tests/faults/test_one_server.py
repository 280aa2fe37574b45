"""One instance, one server, whoever acts at once."""

from __future__ import annotations

from engine.errors import ExitCode
from engine.snapshots import Act, State, Target
from tests.fakes.homes import DEADLINE_S, ThrowAwayHome, act, fake_table, seen, wait_for, wait_for_state

DONE = {int(ExitCode.OK), int(ExitCode.ALREADY_RUNNING)}


def test_two_consoles_and_commands_that_start_it_at_once_make_one_server(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    sessions = [den.open_session(), den.open_session()]
    asking = [den.start_cli("start", "a") for _ in range(3)]
    wishes = [session.submit(Act.START, Target(("a",))) for session in sessions for _ in range(3)]
    assert {wish.result(DEADLINE_S).exit_code for wish in wishes} <= DONE
    for program in asking:
        said, complained = program.communicate(timeout=DEADLINE_S)
        assert program.returncode in DONE, (said, complained)
    for session in sessions:
        wait_for_state(session, "a", State.READY)
    assert den.find_servers() == [seen(sessions[0], "a").pid]
    assert len(den.find_keepers()) == 1


def test_commands_without_a_leader_that_start_one_instance_at_once_make_one_server(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    asking = [den.start_cli("start", "a") for _ in range(4)]
    for program in asking:
        said, complained = program.communicate(timeout=30.0)
        assert program.returncode in DONE, (said, complained)
    assert len(den.find_servers()) == 1


def test_commands_without_a_leader_that_start_different_instances_at_once_start_them_all(den: ThrowAwayHome) -> None:
    names = ("a", "b", "c")
    den.write_fakes(*names)
    asking = [den.start_cli("start", name) for name in names]
    for program in asking:
        said, complained = program.communicate(timeout=30.0)
        assert program.returncode == 0, (said, complained)
    assert len(den.find_servers()) == 3


def test_five_restarts_in_a_row_end_with_one_server_ready(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    session = den.open_session()
    assert act(session, Act.START, "a").exit_code == 0
    first = seen(session, "a").pid
    wishes = [session.submit(Act.RESTART, Target(("a",))) for _ in range(5)]
    assert {wish.result(DEADLINE_S).exit_code for wish in wishes} == {0}
    one = wait_for_state(session, "a", State.READY)
    assert one.pid != first
    wait_for(lambda: den.find_servers() == [one.pid], "one server is left")
    assert seen(session, "a").restarts == 0


def test_start_stop_and_restart_in_a_tumble_end_as_the_last_one_asked(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    session = den.open_session()
    target = Target(("a",))
    for last, state in ((Act.STOP, State.STOPPED), (Act.RESTART, State.READY)):
        tumble = (Act.START, Act.STOP, Act.RESTART, Act.STOP, Act.START, Act.RESTART, last)
        wishes = [session.submit(kind, target) for kind in tumble]
        for wish in wishes:
            wish.result(DEADLINE_S)
        one = wait_for_state(session, "a", state)
        wait_for(lambda one=one: den.find_servers() == ([one.pid] if one.pid else []), "only what is wanted runs")  # type: ignore[misc]


def test_what_waits_for_another_can_be_stopped(den: ThrowAwayHome) -> None:
    den.write_config(fake_table("a", "--load-seconds", "60") + fake_table("b", extra='depends_on = ["a"]'))
    session = den.open_session()
    assert act(session, Act.START, "b").exit_code == 0
    wait_for_state(session, "b", State.WAITING)
    assert act(session, Act.STOP, "b", within_s=2.0).exit_code == 0
    assert wait_for_state(session, "b", State.STOPPED).why == "not started yet"
    assert act(session, Act.STOP, "a", within_s=2.0).exit_code == 0


def test_fifty_instances_start_and_stop_at_once(den: ThrowAwayHome) -> None:
    names = [f"i{number}" for number in range(50)]
    den.write_fakes(*names, port='"auto"')
    session = den.open_session()
    assert act(session, Act.START, within_s=30.0).exit_code == 0
    for name in names:
        wait_for_state(session, name, State.READY, within_s=30.0)
    ports = {seen(session, name).port for name in names}
    assert len(ports) == 50
    assert len(den.find_servers()) == 50
    assert act(session, Act.STOP, within_s=30.0).exit_code == 0
    for name in names:
        wait_for_state(session, name, State.STOPPED)
    wait_for(lambda: not den.find_servers() and not den.find_keepers(), "nothing is left")
