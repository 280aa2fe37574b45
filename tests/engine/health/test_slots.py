from __future__ import annotations

from engine.health.slots import STALL_LIMIT_S, DeepState, DeepStep, weigh_slots

BUSY = ((0, 7, 100, 100, 3),)
FURTHER = ((0, 7, 101, 100, 4),)
SUSPECT = DeepState(is_suspect=True)


def _walk(state: DeepState, *looks: tuple[tuple[int, ...], ...], apart_s: float = 10.0) -> list[DeepStep]:
    steps = []
    for number, busy in enumerate(looks):
        state, step = weigh_slots(state, busy, number * apart_s)
        steps.append(step)
    return steps


def test_idle_slots_are_asked_for_a_token() -> None:
    assert _walk(DeepState(), ()) == [DeepStep.COMPLETE]


def test_slots_that_go_on_are_left_alone_however_long() -> None:
    looks = [((0, 7, number, number, 0),) for number in range(500)]
    assert set(_walk(DeepState(), *looks)) == {DeepStep.PASS}


def test_a_long_batch_without_a_visible_step_is_no_hang() -> None:
    assert set(_walk(DeepState(), *[BUSY] * int(STALL_LIMIT_S / 10))) == {DeepStep.PASS}


def test_slots_that_stand_still_for_too_long_are_stuck() -> None:
    assert _walk(DeepState(), *[BUSY] * 40)[-1] is DeepStep.STUCK


def test_after_a_token_that_did_not_come_standing_still_is_a_hang_at_once() -> None:
    assert _walk(SUSPECT, BUSY, BUSY, BUSY) == [DeepStep.HOLD, DeepStep.STUCK, DeepStep.STUCK]


def test_after_a_token_that_did_not_come_a_step_clears_the_suspicion() -> None:
    assert _walk(SUSPECT, BUSY, FURTHER, FURTHER) == [DeepStep.HOLD, DeepStep.PASS, DeepStep.PASS]


def test_after_a_token_that_did_not_come_idle_slots_are_asked_again() -> None:
    assert _walk(SUSPECT, ()) == [DeepStep.COMPLETE]
