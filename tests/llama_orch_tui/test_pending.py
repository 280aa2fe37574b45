from __future__ import annotations

from dataclasses import replace

import pytest

from engine.snapshots import Act, State
from llama_orch_tui.pending import PATIENCE_S, PendingActs, effect_word
from tests.fakes.scenes import instance, snapshot

READY = instance("a", State.READY, pid=7)
STOPPED = instance("a", State.STOPPED)


@pytest.mark.parametrize(
    ("act", "state", "word"),
    [
        (Act.START, State.STOPPED, "starting…"),
        (Act.START, State.FAILED, "starting…"),
        (Act.START, State.BACKOFF, "starting…"),
        (Act.START, State.READY, ""),
        (Act.STOP, State.READY, "stopping…"),
        (Act.STOP, State.LOADING, "stopping…"),
        (Act.STOP, State.BACKOFF, "stopping…"),
        (Act.STOP, State.STOPPED, ""),
        (Act.RESTART, State.READY, "stopping…"),
        (Act.RESTART, State.FAILED, "starting…"),
    ],
)
def test_the_word_tells_the_first_step_of_the_act(act: Act, state: State, word: str) -> None:
    assert effect_word(act, instance("a", state)) == word


def test_the_word_stands_until_the_state_changes() -> None:
    pending = PendingActs()
    pending.note(Act.START, [STOPPED], now=0.0)

    assert pending.words(snapshot((STOPPED,)), now=1.0) == {"a": "starting…"}
    assert pending.words(snapshot((instance("a", State.STARTING),)), now=1.1) == {}
    assert pending.words(snapshot((STOPPED,)), now=1.2) == {}


def test_another_run_ends_the_word_even_in_the_same_state() -> None:
    pending = PendingActs()
    pending.note(Act.RESTART, [READY], now=0.0)

    assert pending.words(snapshot((replace(READY, run_id="another"),)), now=0.1) == {}


def test_nobody_is_told_a_wish_for_longer_than_his_patience() -> None:
    pending = PendingActs()
    pending.note(Act.STOP, [READY], now=0.0)

    assert pending.words(snapshot((READY,)), now=PATIENCE_S - 0.1)
    assert pending.words(snapshot((READY,)), now=PATIENCE_S) == {}


def test_what_was_refused_is_forgotten_at_once() -> None:
    pending = PendingActs()
    pending.note(Act.STOP, [READY], now=0.0)
    pending.forget(["a", "unknown"])

    assert pending.words(snapshot((READY,)), now=0.1) == {}
