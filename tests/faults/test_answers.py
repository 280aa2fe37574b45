"""An answer is told after what it answers is to be seen: whoever asks and then looks sees what came of it."""

from __future__ import annotations

from engine.snapshots import Act, State
from tests.fakes.homes import ThrowAwayHome, act


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
