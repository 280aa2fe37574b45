"""The process that a leader's keepers are forked from: what is done to it, no model feels, and no start is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys

import psutil
import pytest

from engine.process import forking
from engine.session import Session
from engine.snapshots import Act, State
from tests.fakes.homes import (
    ThrowAwayHome,
    act,
    is_alive,
    is_gone,
    kill,
    portless_table,
    seen,
    wait_for,
    wait_for_state,
)

if sys.platform == "win32":
    pytest.skip("keepers are POSIX", allow_module_level=True)

NAMES = ("a", "b", "c")
MANY = 200


@pytest.fixture
def session(den: ThrowAwayHome) -> Session:
    """A leader of three running instances, two of them forked."""
    den.write_config("\n".join(map(portless_table, NAMES)))
    session = den.open_session()
    for name in NAMES:
        assert act(session, Act.START, name).exit_code == 0
        wait_for_state(session, name, State.READY)
    return session


def server_of(den: ThrowAwayHome) -> int:
    """The PID of the one fork server."""
    (server,) = den.find_fork_servers()
    return server


def pids(session: Session) -> list[tuple[int | None, int | None]]:
    """Server and keeper of every instance."""
    return [(one.pid, one.keeper_pid) for one in (seen(session, name) for name in NAMES)]


def replace_server_of(session: Session, name: str) -> int:
    """Kill an instance's server; the keeper of the run that replaces it."""
    before = seen(session, name)
    kill(before.pid or 0)
    wait_for(lambda: seen(session, name).pid not in (None, before.pid), f"{name} runs again")
    return wait_for_state(session, name, State.READY).keeper_pid or 0


def test_one_instance_alone_makes_no_fork_server_and_the_next_one_does(den: ThrowAwayHome) -> None:
    den.write_config("\n".join(map(portless_table, NAMES)))
    session = den.open_session()
    act(session, Act.START, "a")
    assert den.find_fork_servers() == []
    act(session, Act.START, "b")
    server = server_of(den)
    parents = [psutil.Process(wait_for_state(session, name, State.READY).keeper_pid).ppid() for name in ("a", "b")]
    assert parents == [os.getpid(), server]
    den.close_session(session)
    assert not psutil.pid_exists(server)


def test_two_hundred_start_and_stop_each_under_a_keeper_of_its_own(den: ThrowAwayHome) -> None:
    command = json.dumps([shutil.which("sleep"), "1000"])
    tables = [f'[instances.i{number}]\ncommand = {command}\nhealthcheck.type = "none"' for number in range(MANY)]
    den.write_config("\n".join(tables))
    session = den.open_session()
    assert act(session, Act.START, within_s=60.0).exit_code == 0
    wait_for(lambda: all(one.pid for one in session.snapshot().instances), "all of them run")
    instances = session.snapshot().instances
    assert len({one.keeper_pid for one in instances}) == len({one.pid for one in instances}) == MANY
    assert sorted(den.find_keepers()) == sorted(one.keeper_pid or 0 for one in instances)
    assert act(session, Act.STOP, within_s=60.0).exit_code == 0
    wait_for(lambda: not den.find_processes(), "nothing is left")
    wait_for(lambda: not psutil.Process(server_of(den)).children(), "every keeper is collected")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_fork_server_takes_no_model_along_and_is_collected(
    den: ThrowAwayHome, session: Session, number: signal.Signals
) -> None:
    before, server = pids(session), server_of(den)
    kill(server, number)
    wait_for(lambda: not psutil.pid_exists(server), "it is collected")
    assert pids(session) == before
    assert all(is_alive(pid or 0) for pair in before for pid in pair)
    assert is_alive(replace_server_of(session, "b"))


def test_another_fork_server_is_made_after_one_was_killed(
    den: ThrowAwayHome, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forking, "RETRY_S", 0.0)
    server = server_of(den)
    kill(server)
    wait_for(lambda: not psutil.pid_exists(server), "it is collected")
    replace_server_of(session, "b")
    assert psutil.Process(replace_server_of(session, "b")).ppid() == server_of(den)


def test_a_frozen_fork_server_holds_up_no_restart(
    den: ThrowAwayHome, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forking, "ANSWER_LIMIT_S", 0.5)
    server = server_of(den)
    kill(server, signal.SIGSTOP)
    assert act(session, Act.RESTART, "c").exit_code == 0
    assert psutil.Process(wait_for_state(session, "c", State.READY).keeper_pid).ppid() == os.getpid()
    assert not psutil.pid_exists(server)


def test_kill_of_leader_and_fork_server_interrupts_no_model(den: ThrowAwayHome) -> None:
    den.write_config("\n".join(map(portless_table, NAMES)))
    daemon = den.start_daemon()
    assert den.run_cli("start", "--all", "--wait").returncode == 0
    before = {name: (one["pid"], one["keeper_pid"]) for name, one in den.ps()["instances"].items()}
    server = server_of(den)
    kill(server)
    daemon.kill()
    daemon.wait()
    wait_for(lambda: is_gone(server), "the fork server is gone")
    session = den.open_session()
    for name in NAMES:
        one = wait_for_state(session, name, State.READY)
        assert (one.pid, one.keeper_pid) == before[name]
    assert act(session, Act.STOP).exit_code == 0
    wait_for(lambda: not den.find_keepers(), "they take orders still")


def test_a_fork_server_ends_with_a_killed_leader(den: ThrowAwayHome) -> None:
    den.write_config("\n".join(map(portless_table, NAMES)))
    daemon = den.start_daemon()
    assert den.run_cli("start", "--all", "--wait").returncode == 0
    server = server_of(den)
    daemon.kill()
    daemon.wait()
    wait_for(lambda: is_gone(server), "the fork server is gone")
    assert len(den.find_keepers()) == len(NAMES)
