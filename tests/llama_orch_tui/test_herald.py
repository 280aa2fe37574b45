"""When the operator is called, and with what words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.snapshots import Snapshot, State
from llama_orch_tui.herald import PAUSE_S, Herald
from tests.fakes.scenes import instance


class Hall:
    """A herald, its clock, and the instances it hears of."""

    def __init__(self, **states: State) -> None:
        self.now = 100.0
        self.herald = Herald(lambda: self.now)
        self.states = states
        self.seq = 0
        self.publish()

    def publish(self, **states: State) -> str:
        """What is said after a snapshot with these states, the others as before."""
        self.states |= states
        self.seq += 1
        shown = (instance(name, state, why=f"why {name}\nand more") for name, state in self.states.items())
        self.herald.hear(Snapshot(seq=self.seq, instances=tuple(shown)))
        return self.herald.speak()

    def later(self) -> str:
        self.now += PAUSE_S
        return self.herald.speak()


@pytest.mark.parametrize("state", [State.FAILED, State.UNHEALTHY, State.BACKOFF])
def test_trouble_is_told_once_with_its_reason(state: State) -> None:
    hall = Hall(a=State.READY)
    assert hall.publish(a=state) == f"a {state.value}: why a"
    assert hall.publish() == ""
    assert hall.later() == ""


def test_what_is_in_trouble_at_the_start_is_on_the_screen_and_not_told() -> None:
    hall = Hall(a=State.FAILED, b=State.READY)
    assert hall.publish() == ""
    assert hall.publish(b=State.FAILED) == "b failed: why b"


def test_an_empty_screen_before_the_first_snapshot_is_no_start() -> None:
    herald = Herald(lambda: 0.0)
    herald.hear(Snapshot())
    herald.hear(Snapshot(seq=1, instances=(instance("a", State.FAILED),)))
    assert herald.speak() == ""


def test_a_crash_loop_is_told_once_and_its_end_again() -> None:
    hall = Hall(a=State.READY)
    assert hall.publish(a=State.BACKOFF)
    for state in (State.STARTING, State.LOADING, State.BACKOFF, State.STARTING, State.BACKOFF):
        hall.now += PAUSE_S
        assert hall.publish(a=state) == ""
    assert hall.publish(a=State.FAILED) == "a failed: why a"


@pytest.mark.parametrize("peace", [State.READY, State.STOPPED])
def test_who_was_well_in_between_is_told_again(peace: State) -> None:
    hall = Hall(a=State.READY)
    assert hall.publish(a=State.FAILED)
    hall.publish(a=peace)
    hall.now += PAUSE_S
    assert hall.publish(a=State.FAILED)


def test_many_at_once_are_one_message_and_the_next_waits() -> None:
    hall = Hall(**dict.fromkeys("abcdef", State.READY))
    assert hall.publish(a=State.FAILED) == "a failed: why a"
    assert hall.publish(b=State.FAILED, c=State.UNHEALTHY) == ""
    assert hall.publish(d=State.BACKOFF, e=State.FAILED) == ""
    assert hall.later() == "4 instances in trouble: b, c, d and 1 more"
    assert hall.later() == ""


def test_who_is_well_again_before_the_message_is_not_in_it() -> None:
    hall = Hall(a=State.READY, b=State.READY)
    assert hall.publish(a=State.FAILED)
    assert hall.publish(b=State.UNHEALTHY) == ""
    hall.publish(b=State.READY)
    assert hall.later() == ""


def test_an_instance_that_is_new_and_fails_is_told_and_one_without_a_reason_too() -> None:
    hall = Hall()
    one = replace(instance("new", State.FAILED), why="")
    hall.herald.hear(Snapshot(seq=9, instances=(one,)))
    assert hall.herald.speak() == "new failed"
