"""A locked database, a deleted folder: said clearly, and supervision goes on."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from engine.snapshots import Act, EventQuery, EventType, State
from tests.fakes.homes import ThrowAwayHome, act, is_alive, kill, seen, wait_for, wait_for_state


@contextmanager
def locked_database(den: ThrowAwayHome, mode: str = "NORMAL") -> Iterator[None]:
    """Another program that holds the database's write lock; with `mode` EXCLUSIVE nobody can even read."""
    connection = sqlite3.connect(den.home.state_file, isolation_level=None)
    try:
        connection.execute(f"PRAGMA locking_mode = {mode}")
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


def test_a_locked_database_keeps_nobody_from_starting_and_stopping_and_is_shown(den: ThrowAwayHome) -> None:
    den.write_fakes("a", "b")
    session = den.open_session()
    assert act(session, Act.START, "a").exit_code == 0
    with locked_database(den):
        began = time.monotonic()
        assert act(session, Act.START, "b").exit_code == 0
        assert act(session, Act.STOP, "a").exit_code == 0
        assert time.monotonic() - began < 12.0  # a request that waited for the database would take its 30 s
        kill(wait_for_state(session, "b", State.READY).pid or 0)
        wait_for(lambda: seen(session, "b").restarts == 1, "supervision goes on")
        wait_for(lambda: [one for one in session.snapshot().faults if one.key == "state"], "the fault is shown")
        assert "locked" in session.snapshot().faults[0].message
    wait_for(lambda: not session.snapshot().faults, "the fault is gone")
    wait_for(
        lambda: EventType.EXITED in {event.type for event in session.read_events(EventQuery(instance="b"))},
        "what happened meanwhile is stored",
    )


def test_a_command_starts_and_stops_over_a_locked_database(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    den.close_session(den.open_session())  # makes the database
    with locked_database(den):
        started = den.run_cli("start", "a")
        assert started.returncode == 0, started.stderr
        assert len(den.find_servers()) == 1
        assert den.ps()["instances"]["a"]["pid"]
        stopped = den.run_cli("stop", "a")
        assert stopped.returncode == 0, stopped.stderr
    assert not den.find_processes()


def test_a_run_that_the_database_never_heard_of_is_not_stopped_by_the_next_leader(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    den.close_session(den.open_session())
    with locked_database(den):
        session = den.open_session()
        assert act(session, Act.START, "a").exit_code == 0
        server = wait_for_state(session, "a", State.READY).pid
        den.close_session(session)
    session = den.open_session()
    assert wait_for_state(session, "a", State.READY).pid == server


def test_a_new_leader_over_a_database_that_cannot_be_read_interrupts_no_model(den: ThrowAwayHome) -> None:
    den.write_fakes("a", "b")
    session = den.open_session()
    act(session, Act.START, "a")
    server = wait_for_state(session, "a", State.READY).pid
    den.close_session(session)
    with locked_database(den, "EXCLUSIVE"):
        session = den.open_session()
        assert wait_for_state(session, "a", State.READY).pid == server
        assert [one.key for one in session.snapshot().faults] == ["state"]
        assert act(session, Act.START, "b").exit_code == 0
        assert act(session, Act.STOP, "a").exit_code == 0
    wait_for(lambda: not session.snapshot().faults, "the fault is gone")
    assert seen(session, "b").pid in den.find_servers()


def test_a_deleted_state_folder_interrupts_no_model(den: ThrowAwayHome) -> None:
    den.write_fakes("a", "b")
    session = den.open_session()
    act(session, Act.START)
    before = {name: wait_for_state(session, name, State.READY).pid for name in "ab"}
    config = den.home.config_file.read_text(encoding="utf-8")
    for path in den.home.state_dir.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    den.write_config(config)
    began = time.time()
    wait_for(lambda: (leader := session.snapshot().leader) and leader.since > began, "it leads anew")
    for name in "ab":
        assert wait_for_state(session, name, State.READY).pid == before[name]
        assert is_alive(before[name] or 0)
    assert act(session, Act.STOP).exit_code == 0
    wait_for(lambda: not den.find_servers(), "everything is stopped")


def test_a_deleted_record_of_the_leader_is_made_again(den: ThrowAwayHome) -> None:
    den.open_session()
    den.home.leader_record.unlink()
    wait_for(den.leader_pid, "the leader is named again")


def test_a_deleted_run_folder_is_made_again_for_keepers_and_leader(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    session = den.open_session()
    act(session, Act.START)
    server = wait_for_state(session, "a", State.READY).pid
    shutil.rmtree(den.home.run_dir)
    wait_for(lambda: den.leader_pid() is not None, "others reach the leader again", 5.0)
    wait_for(lambda: den.home.keeper_socket("a").exists(), "the keeper can be reached again", 5.0)
    assert wait_for_state(session, "a", State.READY).pid == server
    assert den.run_cli("stop", "a").returncode == 0


def test_a_leader_that_steps_down_leaves_no_zombies_of_its_keepers(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    session = den.open_session()
    act(session, Act.START, "a")
    one = wait_for_state(session, "a", State.READY)
    led = session.snapshot().leader
    den.home.state_file.unlink()
    wait_for(lambda: session.snapshot().leader not in (None, led), "it has stepped down and leads anew")
    kill(one.keeper_pid or 0)
    wait_for(lambda: not psutil.pid_exists(one.keeper_pid or 0), "its keeper is collected")
