"""A keeper that does not answer: frozen, without its files, or dead. Only what is left of a dead one is killed."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import psutil
import pytest

from engine.snapshots import Act, EventType, State
from tests.fakes.homes import (
    DEADLINE_S,
    ThrowAwayHome,
    act,
    fake_table,
    is_alive,
    is_gone,
    kill,
    portless_table,
    wait_for,
    wait_for_state,
)


def start_daemon_and_kill_it(den: ThrowAwayHome) -> None:
    """`a` runs, and nobody watches it."""
    daemon = den.start_daemon()
    done = den.run_cli("start", "a", "--wait")
    assert done.returncode == 0, done
    daemon.kill()
    daemon.wait()


def start_unwatched(den: ThrowAwayHome) -> tuple[int, int]:
    """A run of `a` whose leader was killed: its server and its keeper."""
    start_daemon_and_kill_it(den)
    (server,), (keeper,) = den.find_servers(), den.find_keepers()
    return server, keeper


def test_a_leader_that_comes_right_after_the_run_folder_was_deleted_starts_no_second_server(den: ThrowAwayHome) -> None:
    den.write_config(portless_table("a"))
    server, keeper = start_unwatched(den)
    shutil.rmtree(den.home.run_dir)
    session = den.open_session()
    one = wait_for_state(session, "a", State.READY)
    assert (one.pid, one.keeper_pid) == (server, keeper)
    assert den.find_servers() == [server]
    assert act(session, Act.STOP, "a").exit_code == 0
    wait_for(lambda: is_gone(server) and is_gone(keeper), "it is stopped")


def test_a_command_that_starts_it_right_after_everything_was_deleted_starts_no_second_server(
    den: ThrowAwayHome,
) -> None:
    den.write_config(portless_table("a"))
    server, _ = start_unwatched(den)
    for path in den.home.state_dir.iterdir():
        if path != den.home.config_file:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = den.run_cli("start", "a")
    assert done.returncode in {0, 21}, done
    assert den.find_servers() == [server]


def test_what_a_dead_keeper_left_is_cleared_up_although_the_lock_file_is_deleted(den: ThrowAwayHome) -> None:
    den.write_fakes("a", flags=("--spawn-grandchild",))
    start_daemon_and_kill_it(den)
    left = den.find_servers()
    shutil.rmtree(den.home.run_dir)
    kill(den.find_keepers()[0])
    session = den.open_session()
    one = wait_for_state(session, "a", State.READY)
    assert one.pid not in left
    wait_for(lambda: all(map(is_gone, left)), "the old tree is gone")


def test_what_a_keeper_left_that_was_killed_after_it_made_its_lock_again_is_cleared_up(den: ThrowAwayHome) -> None:
    """The server and what it started hold the lock that was deleted, not the one that its keeper made in its place."""
    den.write_fakes("a", flags=("--spawn-grandchild",))
    start_daemon_and_kill_it(den)
    left = den.find_servers()
    shutil.rmtree(den.home.run_dir)
    wait_for(den.home.run_record("a").exists, "its keeper has made its files again")
    kill(den.find_keepers()[0])
    session = den.open_session()
    one = wait_for_state(session, "a", State.READY)
    assert one.pid not in left
    wait_for(lambda: all(map(is_gone, left)), "the old tree is gone")


@pytest.mark.parametrize("thaws", [True, False], ids=["for a moment", "until it is woken"])
def test_a_frozen_keeper_is_no_orphan(den: ThrowAwayHome, *, thaws: bool) -> None:
    den.write_fakes("a")
    server, keeper = start_unwatched(den)
    psutil.Process(keeper).suspend()
    session = den.open_session()
    wait_for(lambda: session.snapshot().find("a"), "it is seen")
    if thaws:
        psutil.Process(keeper).resume()
    one = wait_for_state(session, "a", State.READY)
    assert (one.pid, one.keeper_pid) == (server, keeper)
    assert is_alive(server)
    told = {event.type for event in session.snapshot().events if event.instance == "a"}
    assert not told & {EventType.KILLED, EventType.EXITED}


@pytest.mark.parametrize("end", [psutil.Process.resume, psutil.Process.kill], ids=["thaws", "is killed"])
def test_a_stop_is_answered_when_its_frozen_keeper_is_heard_of_again(
    den: ThrowAwayHome, end: Callable[[psutil.Process], None]
) -> None:
    den.write_fakes("a")
    session = den.open_session()
    act(session, Act.START, "a")
    one = wait_for_state(session, "a", State.READY)
    keeper = psutil.Process(one.keeper_pid)
    keeper.suspend()
    asked = den.start_cli("stop", "a")
    wait_for_state(session, "a", State.STOPPING)
    end(keeper)
    assert asked.wait(DEADLINE_S) == 0, asked.communicate()
    assert wait_for_state(session, "a", State.STOPPED).pid is None
    assert is_gone(one.pid or 0)


def test_a_keeper_that_stays_frozen_is_woken_when_its_run_should_have_ended(den: ThrowAwayHome) -> None:
    den.write_config(fake_table("a").replace("stop_grace = 2.0", "stop_grace = 0.2"))
    session = den.open_session()
    act(session, Act.START, "a")
    one = wait_for_state(session, "a", State.READY)
    psutil.Process(one.keeper_pid).suspend()
    assert act(session, Act.STOP, "a", within_s=30.0).exit_code == 0
    assert wait_for_state(session, "a", State.STOPPED).pid is None
    assert not den.find_processes()
