"""kill -9 of whoever leads interrupts no model, and the next one finds the truth."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import time

import pytest

from engine.observing import observe
from engine.snapshots import Act, EventType, Snapshot, State
from tests.fakes.homes import (
    ThrowAwayHome,
    act,
    command_server,
    is_alive,
    kill,
    portless_table,
    seen,
    wait_for,
    wait_for_state,
)

ADOPTED_WITHIN_S = 5.0
TAKEN_OVER_WITHIN_S = 2.0


def look(den: ThrowAwayHome) -> Snapshot:
    """The truth, as `ps` sees it."""
    return observe(den.home, os.environ)


def pids(snapshot: Snapshot) -> dict[str, int | None]:
    """The servers by instance."""
    return {one.name: one.pid for one in snapshot.instances}


def end_hard(program: subprocess.Popen[str], after_s: float) -> None:
    """Kill -9 after a while."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        program.wait(after_s)
    program.kill()
    program.wait()


def test_models_outlive_their_leader_at_any_moment_and_are_adopted(den: ThrowAwayHome) -> None:
    den.write_fakes("a", "b", "c")
    session = den.open_session()
    assert act(session, Act.START).exit_code == 0
    for name in "abc":
        wait_for_state(session, name, State.READY)
    before = pids(session.snapshot())
    den.close_session(session)
    chance = random.Random(11)  # noqa: S311 - moments, not secrets
    for _ in range(8):
        end_hard(den.start_cli("daemon", "run"), chance.uniform(0.2, 1.0))
        assert pids(look(den)) == before
        assert all(is_alive(pid or 0) for pid in before.values())
    session = den.open_session()
    for name in "abc":
        wait_for_state(session, name, State.READY, within_s=ADOPTED_WITHIN_S)
    assert pids(session.snapshot()) == before
    assert not [event for event in session.snapshot().events if event.type is EventType.EXITED]


def test_a_leader_killed_while_it_starts_servers_leaves_one_of_each_at_most_and_the_next_one_all(
    den: ThrowAwayHome,
) -> None:
    names = ["a", "b", "c", "d"]
    den.write_fakes(*names)
    chance = random.Random(7)  # noqa: S311 - moments, not secrets
    for _ in range(5):
        daemon = den.start_daemon()
        asking = den.start_cli("restart", *names)
        end_hard(daemon, chance.uniform(0.3, 0.8))
        asking.kill()
        session = den.open_session()
        if any(one.desired == "running" for one in session.snapshot().instances):
            wanted = [one.name for one in session.snapshot().instances if one.desired == "running"]
            for name in wanted:
                wait_for_state(session, name, State.READY)
            running = {one.name: one.pid for one in session.snapshot().instances if one.pid}
            assert sorted(running) == sorted(wanted)
            assert sorted(den.find_servers()) == sorted(pid for pid in running.values() if pid)
        den.close_session(session)


def test_the_end_of_a_server_while_nobody_watched_is_told_with_its_code(den: ThrowAwayHome) -> None:
    den.write_fakes("a", "b", "c")
    daemon = den.start_daemon()
    assert den.run_cli("start", "--all", "--wait").returncode == 0
    found = {one.name: one for one in look(den).instances}
    kill(daemon.pid)
    daemon.wait()
    command_server(found["a"].port or 0, do="exit", code=7)
    kill(found["b"].pid or 0)
    wait_for(lambda: not is_alive(found["a"].pid or 0) and not is_alive(found["b"].pid or 0), "both are gone")
    wait_for(lambda: not is_alive(found["a"].keeper_pid or 0), "their keepers have written it down")
    wait_for(lambda: not is_alive(found["b"].keeper_pid or 0), "their keepers have written it down")
    unwatched = {one.name: one for one in look(den).instances}
    assert "exit code 7" in unwatched["a"].why
    assert unwatched["c"].why.startswith("unwatched since")
    session = den.open_session()
    for name in "abc":
        wait_for_state(session, name, State.READY, within_s=ADOPTED_WITHIN_S)
    ends = {event.instance: dict(event.meta) for event in session.snapshot().events if event.type is EventType.EXITED}
    assert (ends["a"]["exit_code"], ends["b"]["signal"]) == (7, 9)
    assert seen(session, "c").pid == found["c"].pid
    assert seen(session, "a").pid != found["a"].pid


def test_what_nobody_probes_is_ready_while_nobody_watches_too(den: ThrowAwayHome) -> None:
    den.write_config(portless_table("a"))
    assert den.run_cli("start", "a", "--wait").returncode == 0
    (unwatched,) = look(den).instances
    assert unwatched.state is State.READY
    assert unwatched.why.startswith("unwatched since")
    assert unwatched.why.endswith("runs; its health is not checked")


def test_what_was_stopped_stays_stopped_after_a_leader_change(den: ThrowAwayHome) -> None:
    den.write_fakes("a", "b")
    daemon = den.start_daemon()
    assert den.run_cli("start", "a", "b").returncode == 0
    assert den.run_cli("stop", "a").returncode == 0
    kill(daemon.pid)
    session = den.open_session()
    wait_for_state(session, "b", State.READY)
    assert seen(session, "a").state is State.STOPPED
    assert len(den.find_servers()) == 1


def test_a_waiting_console_leads_within_two_seconds(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    took: list[float] = []
    for _ in range(3):
        daemon = den.start_daemon()
        follower = den.open_session()
        wait_for(lambda follower=follower: follower.snapshot().leader is not None, "it follows")  # type: ignore[misc]
        assert not follower.snapshot().is_leader
        kill(daemon.pid)
        began = time.monotonic()
        wait_for(lambda follower=follower: follower.snapshot().is_leader, "it leads")  # type: ignore[misc]
        took.append(time.monotonic() - began)
        assert act(follower, Act.RESTART, "a").exit_code == 0
        den.close_session(follower)
    assert min(took) < TAKEN_OVER_WITHIN_S  # a machine that is busy otherwise may delay one, not all


@pytest.mark.parametrize("how", ["end", "kill"])
def test_a_console_that_goes_interrupts_no_model(den: ThrowAwayHome, how: str) -> None:
    den.write_fakes("a")
    daemon = den.start_daemon()
    assert den.run_cli("start", "a", "--wait").returncode == 0
    server = look(den).instances[0].pid or 0
    kill(daemon.pid, 15 if how == "end" else 9)
    wait_for(lambda: daemon.poll() is not None, "the daemon is gone")
    assert is_alive(server)
    assert look(den).instances[0].pid == server
