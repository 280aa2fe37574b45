"""What nobody told the leader: found by looking, corrected, and told, within five seconds."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from engine.paths import HOME_VARIABLE, RUN_VARIABLE
from engine.session import Session
from engine.snapshots import Act, Desired, Event, EventQuery, EventType, Health, InstanceSnapshot, Level, State, Status
from engine.supervision.reconciliation import Drift, reconcile_all, reconcile_instance
from tests.engine.process.keeping import Kept, build_spec
from tests.fakes.homes import (
    ThrowAwayHome,
    act,
    command_server,
    fake_command,
    fake_table,
    free_port,
    is_gone,
    kill,
    seen,
    wait_for,
    wait_for_state,
)

assert sys.platform != "win32"  # tells the type checker which half of the world this is

CORRECTED_WITHIN_S = 15.0
"""Three times what is promised: other tests run beside."""


@pytest.fixture
def session(den: ThrowAwayHome) -> Session:
    """A leader with one stand-in that is ready, probed too seldom to notice anything by itself."""
    den.write_config(fake_table("a").replace("interval = 0.2", "interval = 3600.0"))
    session = den.open_session()
    act(session, Act.START, "a")
    wait_for_state(session, "a", State.READY)
    return session


def find_event(session: Session, kind: EventType) -> Event | None:
    return next((event for event in session.snapshot().events if event.type is kind), None)


def wait_for_event(session: Session, kind: EventType) -> Event:
    return wait_for(lambda: find_event(session, kind), f"an event tells it: {kind}", CORRECTED_WITHIN_S)


def test_a_server_that_died_under_a_keeper_that_says_nothing_is_replaced(session: Session) -> None:
    first = seen(session, "a")
    assert first.pid is not None
    assert first.keeper_pid is not None
    kill(first.keeper_pid, signal.SIGSTOP)
    kill(first.pid)
    wait_for_event(session, EventType.EXITED)
    wait_for(lambda: seen(session, "a").pid not in (None, first.pid), "a replacement runs")
    second = seen(session, "a")
    assert (second.run_id != first.run_id, second.desired) == (True, Desired.RUNNING)
    assert is_gone(first.keeper_pid)


def test_a_port_that_another_process_answers_on_is_told_with_its_name_and_pid(
    den: ThrowAwayHome, session: Session
) -> None:
    mine = seen(session, "a")
    port = mine.port or 0
    command_server(port, do="unlisten")
    with subprocess.Popen(fake_command(port=str(port)), stderr=subprocess.PIPE, text=True) as stranger:
        try:
            told = wait_for_event(session, EventType.UNHEALTHY)
            assert told.level is Level.ERROR
            assert f"port {port} is answered by" in told.message
            assert f"(PID {stranger.pid}), not by this instance" in told.message
            refused = wait_for_event(session, EventType.REFUSED)
            assert f"port {port} is held by" in refused.message
            assert f"(PID {stranger.pid})" in refused.message
            assert mine.pid not in den.find_servers()
            wait_for(lambda: f"(PID {stranger.pid})" in seen(session, "a").why, "why names it")
        finally:
            stranger.kill()


def test_a_run_that_somebody_else_began_is_adopted(den: ThrowAwayHome) -> None:
    den.write_config(fake_table("qwen"))
    session = den.open_session()
    other = Kept(den, build_spec())
    wait_for_event(session, EventType.ADOPTED)
    assert wait_for_state(session, "qwen", State.READY).pid == other.pid
    assert act(session, Act.STOP, "qwen").exit_code == 0
    assert is_gone(other.pid)


def test_a_run_whose_table_is_in_no_file_is_adopted_and_can_be_stopped(den: ThrowAwayHome) -> None:
    den.write_config(fake_table("a"))
    session = den.open_session()
    other = Kept(den, build_spec())
    one = wait_for(lambda: session.snapshot().find("qwen"), "it is seen", CORRECTED_WITHIN_S)
    assert "its table is not in the file" in one.why
    assert act(session, Act.STOP, "qwen").exit_code == 0
    assert is_gone(other.pid)


def test_a_process_that_outlived_its_keeper_without_a_lock_is_killed_and_told(
    den: ThrowAwayHome, session: Session
) -> None:
    server = seen(session, "a").pid
    token = {HOME_VARIABLE: str(den.home.state_dir), RUN_VARIABLE: "a:long-ago", "PATH": "/usr/bin:/bin"}
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=token) as leftover:
        told = wait_for_event(session, EventType.ORPHANED)
        assert f"PID {leftover.pid} outlived its keeper" in told.message
        wait_for(lambda: leftover.poll() is not None, "it is killed")
    assert wait_for_state(session, "a", State.READY).pid == server, "the living run is left alone"


def test_a_process_of_another_home_is_left_alone(session: Session) -> None:
    token = {HOME_VARIABLE: "/another/home", RUN_VARIABLE: "a:long-ago", "PATH": "/usr/bin:/bin"}
    with (
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=token) as other,
        subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={RUN_VARIABLE: "a:long-ago"}
        ) as homeless,
    ):
        before = seen(session, "a").keeper_pid
        kill(before or 0)  # what is corrected meanwhile shows that several rounds went by
        wait_for(lambda: seen(session, "a").keeper_pid not in (None, before), "rounds go on", CORRECTED_WITHIN_S)
        began = time.time()
        wait_for(lambda: time.time() > began and other.poll() is None and homeless.poll() is None, "both live")
        other.kill()
        homeless.kill()


def test_a_table_changed_or_removed_while_it_runs_is_told_and_interrupts_nothing(
    den: ThrowAwayHome, session: Session
) -> None:
    server = seen(session, "a").pid
    text = den.home.config_file.read_text(encoding="utf-8")
    den.write_config(text.replace("stop_grace = 2.0", 'stop_grace = 2.0\nenv = { MORE = "1" }'))
    told = wait_for_event(session, EventType.RECONFIGURED)
    assert ("who", "file") in told.meta
    wait_for(lambda: seen(session, "a").needs_restart, "it says that it waits for a restart")
    den.write_config("")
    wait_for(lambda: "no longer in the file" in seen(session, "a").why, "why tells it")
    wait_for(
        lambda: [one for one in session.snapshot().events if one.level is Level.WARNING and "no longer" in one.message],
        "an event tells it",
    )
    assert seen(session, "a").pid == server
    den.write_config(text)
    assert wait_for_state(session, "a", State.READY).pid == server


def test_a_row_of_a_run_that_ended_unseen_is_corrected(den: ThrowAwayHome, session: Session) -> None:
    one = seen(session, "a")
    den.close_session(session)
    kill(one.keeper_pid or 0)
    kill(one.pid or 0)
    session = den.open_session()
    wait_for(lambda: seen(session, "a").pid not in (None, one.pid), "it is replaced", CORRECTED_WITHIN_S)
    wait_for(lambda: session.read_events(EventQuery(type=EventType.EXITED)), "its end is in the log")


# -- the two functions by themselves


def test_what_is_believed_rightly_is_no_discrepancy(den: ThrowAwayHome, session: Session) -> None:
    assert reconcile_all(den.home, session.snapshot()) == ()
    assert reconcile_instance(den.home, seen(session, "a")) is None
    assert reconcile_instance(den.home, InstanceSnapshot("never-heard-of")) is None


def test_a_run_that_is_believed_and_not_there_is_a_server_gone(den: ThrowAwayHome) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    believed = InstanceSnapshot("a", status=Status.RUNNING, run_id="r1", pid=gone.pid, keeper_pid=1)
    found = reconcile_instance(den.home, believed)
    assert found is not None
    assert (found.drift, found.run_id, found.pid) == (Drift.SERVER_GONE, "r1", gone.pid)
    assert f"PID {gone.pid} has ended, and its keeper (PID 1) does not say so" in found.words


def test_a_reused_pid_is_a_server_gone(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec())
    record = den.home.run_record("qwen")
    believed = InstanceSnapshot("qwen", status=Status.RUNNING, run_id="run1", pid=kept.pid, keeper_pid=kept.keeper)
    assert reconcile_instance(den.home, believed) is None
    lines = record.read_text(encoding="utf-8").splitlines()
    record.write_text(
        "\n".join("start_ticks=1" if line.startswith("start_ticks") else line for line in lines) + "\n\n",
        encoding="utf-8",
    )
    found = reconcile_instance(den.home, believed)
    assert found is not None
    assert found.drift is Drift.SERVER_GONE


def test_a_healthy_instance_whose_port_is_a_strangers_is_a_port_taken(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec())
    port = free_port()
    believed = InstanceSnapshot(
        "qwen",
        status=Status.RUNNING,
        health=Health.HEALTHY,
        state=State.READY,
        run_id="run1",
        pid=kept.pid,
        host="127.0.0.1",
        port=port,
    )
    assert reconcile_instance(den.home, believed) is None, "nobody listens there: that is the prober's business"
    with subprocess.Popen(fake_command(port=str(port)), stderr=subprocess.PIPE, text=True) as stranger:
        assert stranger.stderr is not None
        assert "listening" in stranger.stderr.readline()
        found = reconcile_instance(den.home, believed)
        stranger.kill()
    assert found is not None
    assert (found.drift, found.pid) == (Drift.PORT_TAKEN, stranger.pid)
