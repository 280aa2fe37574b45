"""When an act is asked about first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.loads import LlamaLoad
from engine.snapshots import Act, Confirm, InstanceSnapshot, Status
from llama_orch_tui.care import Harm, is_asked_about, requests_in_flight, weigh
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import TRIO, engine_of, snapshot

BUSY = InstanceSnapshot("busy", status=Status.RUNNING, load=LlamaLoad(busy_slots=1, deferred=2))
IDLE = InstanceSnapshot("idle", status=Status.RUNNING, load=LlamaLoad(busy_slots=0, deferred=0))
MUTE = InstanceSnapshot("mute", status=Status.RUNNING)
DOWN = InstanceSnapshot("down", status=Status.STOPPED, load=LlamaLoad(busy_slots=1))


def test_requests_are_those_answered_and_those_that_wait() -> None:
    assert [requests_in_flight(one) for one in (BUSY, IDLE, MUTE)] == [3, 0, 0]
    assert weigh(Act.STOP, (BUSY, IDLE, MUTE, DOWN)) == Harm(Act.STOP, ("busy", "idle", "mute"), (("busy", 3),))


@pytest.mark.parametrize(
    ("confirm", "concerned", "asks"),
    [
        (Confirm.RISKY, (IDLE,), False),
        (Confirm.RISKY, (IDLE, DOWN), False),
        (Confirm.RISKY, (BUSY,), True),
        (Confirm.RISKY, (IDLE, MUTE), True),
        (Confirm.ALWAYS, (IDLE,), True),
        (Confirm.ALWAYS, (DOWN,), False),
        (Confirm.NEVER, (BUSY, IDLE), False),
    ],
)
def test_what_is_asked_about(confirm: Confirm, concerned: tuple[InstanceSnapshot, ...], *, asks: bool) -> None:
    assert is_asked_about(weigh(Act.RESTART, concerned), confirm) is asks


def test_many_that_are_sick_are_restarted_without_asking_unless_one_is_at_work() -> None:
    assert not is_asked_about(weigh(Act.RESTART, (IDLE, MUTE)), Confirm.RISKY, is_for_the_sick=True)
    assert is_asked_about(weigh(Act.RESTART, (IDLE, BUSY)), Confirm.RISKY, is_for_the_sick=True)


def test_a_restart_of_one_at_work_asks_and_names_its_requests() -> None:
    busy = replace(TRIO[0], load=LlamaLoad(busy_slots=2, total_slots=4))

    async def script(operator: Operator) -> None:
        await operator.press("r")
        await operator.until_shown("Restart this model?")
        assert f"{busy.name} has 2 requests in flight." in operator.text()
        await operator.press("escape")
        assert operator.engine.submitted == []
        await operator.press("r", "r")
        await operator.until(lambda: [one.act for one in operator.engine.submitted] == [Act.RESTART])

    drive(engine_of(snapshot((busy, *TRIO[1:]))), script)


def test_never_means_never() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("a", "x")
        await operator.until(lambda: [one.act for one in operator.engine.submitted] == [Act.STOP])

    drive(engine_of(replace(snapshot(TRIO), confirm=Confirm.NEVER)), script)
