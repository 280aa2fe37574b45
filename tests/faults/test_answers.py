"""An answer is told after what it answers is to be seen: whoever asks and then looks sees what came of it."""

from __future__ import annotations

from pathlib import Path

from engine.config.schema import Config
from engine.snapshots import Act, State
from engine.supervision.desk import SNAPSHOTS_SHARE
from tests.fakes.homes import ThrowAwayHome, act
from tests.faults.simulated import World


def test_whoever_was_answered_sees_what_came_of_it(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    console = den.open_session()
    for _ in range(3):
        assert act(console, Act.START, "a").exit_code == 0
        assert console.snapshot().instances[0].pid is not None
        assert act(console, Act.RESTART, "a").exit_code == 0
        assert console.snapshot().instances[0].pid is not None
        assert act(console, Act.STOP, "a").exit_code == 0
        assert console.snapshot().instances[0].state is State.STOPPED


def test_a_command_that_was_answered_by_a_leader_is_shown_by_the_next_one(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    den.start_daemon()
    for _ in range(3):
        assert den.run_cli("start", "a").returncode == 0
        assert den.ps()["instances"]["a"]["keeper_pid"] is not None
        assert den.run_cli("stop", "a").returncode == 0
        assert den.ps()["instances"]["a"]["state"] == "stopped"


def test_the_snapshots_for_answers_take_a_part_of_the_time_only(tmp_path: Path) -> None:
    """Two hundred that were asked to start one by one took three times as long, for a snapshot of all of them each."""
    world = World(tmp_path, {"good": Config()})
    leader, now = world.leader, world.time.clock().monotonic
    desk = leader.supervisor._desk

    def ask() -> float:
        leader.ask(Act.START, ("nobody",))
        leader.supervisor._handle(leader.inbox.get())
        due = desk.next_answers()
        assert due is not None
        return due

    assert ask() <= now(), "who asks alone is answered at once"
    desk.deliver(took_s=0.02)
    assert desk.next_answers() is None
    assert ask() == now() + (SNAPSHOTS_SHARE - 1) * 0.02
    assert [future.done() for _, future in leader.asked] == [True, False]
    assert not desk.is_idle()
    desk.deliver()
    assert desk.is_idle()
