"""What an act would end, and when the console asks before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.habits import Confirm
from engine.loads import LlamaLoad
from engine.snapshots import Act, InstanceSnapshot, Snapshot, State
from llama_orch_tui.risks import Risk, describe_requests, is_asked, is_busy, weigh
from tests.fakes.scenes import instance


def one(name: str, state: State = State.READY, *needs: str, busy: int = 0, deferred: int = 0) -> InstanceSnapshot:
    load = LlamaLoad(busy_slots=busy, total_slots=4, deferred=deferred)
    pid = 77 if state in {State.READY, State.LOADING, State.UNHEALTHY} else None
    return replace(instance(name, state, pid=pid), load=load, depends_on=needs)


def weighed(act: Act, names: tuple[str, ...], *instances: InstanceSnapshot) -> Risk:
    return weigh(act, names, Snapshot(instances=instances))


def test_what_rests_is_not_ended() -> None:
    scene = (one("a"), one("b", State.STOPPED), one("c", State.FAILED), one("d", State.BACKOFF))
    names = ("a", "b", "c", "d")
    assert weighed(Act.STOP, names, *scene).names == ("a", "d")
    assert weighed(Act.RESTART, names, *scene).names == ("a",)
    assert weighed(Act.START, names, *scene).names == ()


def test_what_depends_on_it_stops_along_over_any_number_of_steps_and_round_a_ring() -> None:
    scene = (one("c", State.READY, "b"), one("b", State.READY, "a"), one("a", State.READY, "c"), one("d"))
    risk = weighed(Act.STOP, ("a",), *scene)
    assert risk.names == ("c", "b", "a")
    assert risk.along == ("c", "b")
    assert weighed(Act.RESTART, ("a",), *scene).names == ("a",)


@pytest.mark.parametrize(
    ("busy", "deferred", "words"),
    [
        (0, 0, ""),
        (1, 0, "1 request running"),
        (2, 3, "2 requests running, 3 waiting"),
        (0, 1, "1 request waiting"),
    ],
)
def test_requests_in_flight_are_told_in_words(busy: int, deferred: int, words: str) -> None:
    seen = one("a", busy=busy, deferred=deferred)
    assert describe_requests(seen) == words
    assert is_busy(seen) is bool(words)


def test_a_server_that_tells_nothing_is_not_busy() -> None:
    silent = replace(one("a"), load=None)
    assert not is_busy(silent)
    assert describe_requests(silent) == ""
    assert not is_busy(replace(silent, load=LlamaLoad()))


@pytest.mark.parametrize(
    ("act", "names", "asked"),
    [
        (Act.STOP, ("idle",), {Confirm.ALWAYS}),
        (Act.STOP, ("idle", "other"), {Confirm.ALWAYS, Confirm.RISKY}),
        (Act.RESTART, ("busy",), {Confirm.ALWAYS, Confirm.RISKY}),
        (Act.STOP, ("rests",), set()),
        (Act.START, ("busy",), set()),
        (Act.PROFILE, ("idle", "other"), set()),
        (Act.PROFILE, ("busy",), {Confirm.ALWAYS, Confirm.RISKY}),
    ],
)
def test_when_it_is_asked(act: Act, names: tuple[str, ...], asked: set[Confirm]) -> None:
    scene = (one("idle"), one("other"), one("busy", busy=1), one("rests", State.STOPPED))
    assert {how for how in Confirm if is_asked(weighed(act, names, *scene), how)} == asked
