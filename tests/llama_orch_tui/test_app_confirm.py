"""The console asks before it ends several models, or one with requests in flight."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.habits import Confirm
from engine.loads import LlamaLoad
from engine.snapshots import Act, InstanceSnapshot, ProfileSnapshot, Snapshot, State, Target
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import TRIO, engine_of, instance, snapshot

BUSY = replace(TRIO[0], load=LlamaLoad(busy_slots=2, total_slots=4, deferred=1))
IN_FLIGHT = "chat: 2 requests running, 1 waiting"


def scene(*instances: InstanceSnapshot, confirm: Confirm = Confirm.RISKY) -> Snapshot:
    return replace(snapshot(instances or (BUSY, *TRIO[1:])), confirm=confirm)


def asked(operator: Operator) -> list[tuple[Act, Target]]:
    return [(one.act, one.target) for one in operator.engine.submitted]


@pytest.mark.parametrize(("key", "act", "verb"), [("x", Act.STOP, "Stop"), ("r", Act.RESTART, "Restart")])
def test_one_with_requests_in_flight_is_asked_about_and_they_are_named(key: str, act: Act, verb: str) -> None:
    async def script(operator: Operator) -> None:
        await operator.press(key)
        await operator.until_shown(f"{verb} this model?")
        await operator.until_shown(IN_FLIGHT)
        assert asked(operator) == []
        await operator.press("escape")
        await operator.until_gone(f"{verb} this model?")
        assert asked(operator) == []
        await operator.press(key, key)
        await operator.until(lambda: asked(operator) == [(act, Target(names=("chat",)))])

    drive(engine_of(scene()), script)


def test_restarting_several_asks_first() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("a", "r")
        await operator.until_shown("Restart these models?")
        await operator.until_shown("Restart 2 models")
        await operator.press("c")
        await operator.until_gone("Restart these models?")
        assert asked(operator) == []

    drive(engine_of(snapshot(TRIO)), script)


def test_what_is_done_is_what_was_named_even_when_marks_are_gone_by_the_answer() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("a", "x")
        await operator.until_shown("Stop these models?")
        operator.table.clear_marks()
        await operator.press("x")
        await operator.until(lambda: asked(operator) == [(Act.STOP, Target(names=("chat", "embed", "code")))])

    drive(engine_of(snapshot(TRIO)), script)


def test_stopping_one_that_others_depend_on_names_them() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("x")
        await operator.until_shown("Stop these models?")
        await operator.until_shown("Not chosen, but needs what stops: embed")

    needing = replace(TRIO[1], depends_on=("chat",))
    drive(engine_of(scene(TRIO[0], needing, TRIO[2])), script)


def test_u_asks_when_it_restarts_busy_ones_and_leaves_alone_what_recovered_meanwhile() -> None:
    sick = replace(instance("sick", State.UNHEALTHY, port=8081, pid=7), load=BUSY.load)
    worse = replace(instance("worse", State.UNHEALTHY, port=8082, pid=8), load=None)

    async def script(operator: Operator) -> None:
        await operator.press("u")
        await operator.until_shown("Restart these models?")
        await operator.until_shown("sick: 2 requests running, 1 waiting")
        well = replace(worse, state=State.READY)
        late = replace(worse, name="late")
        operator.engine.publish(replace(scene(sick, well, late), seq=2))
        await operator.until(lambda: operator.dashboard.snapshot.seq == 2)
        await operator.press("u")
        await operator.until(lambda: asked(operator) == [(Act.RESTART, Target(names=("sick",)))])

    drive(engine_of(scene(sick, worse)), script)


def test_u_says_so_when_everything_recovered_while_it_asked() -> None:
    sick = replace(instance("sick", State.UNHEALTHY, port=8081, pid=7), load=BUSY.load)

    async def script(operator: Operator) -> None:
        await operator.press("u")
        await operator.until_shown("Restart this model?")
        operator.engine.publish(replace(scene(replace(sick, state=State.READY)), seq=2))
        await operator.until(lambda: operator.dashboard.snapshot.seq == 2)
        await operator.press("enter")
        await operator.until_shown("Nothing of it is unhealthy any more.")
        assert asked(operator) == []

    drive(engine_of(scene(sick)), script)


@pytest.mark.parametrize("answer", ["p", "escape"])
def test_a_profile_that_stops_busy_ones_asks_once_more(answer: str) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("p")
        await operator.until_shown("Use a profile")
        await operator.press("enter")
        await operator.until_shown(IN_FLIGHT)
        assert asked(operator) == []
        await operator.press(answer)
        await operator.until_gone(IN_FLIGHT)
        wanted = [(Act.PROFILE, Target(profile="night"))] if answer == "p" else []
        await operator.until(lambda: asked(operator) == wanted)

    night = ProfileSnapshot("night", ("code",), ("code",))
    drive(engine_of(replace(scene(), profiles=(night,))), script)


def test_never_asks_nothing_and_always_asks_for_one_idle_model() -> None:
    async def at_once(operator: Operator) -> None:
        await operator.press("a", "x")
        assert asked(operator) == [(Act.STOP, Target(names=("chat", "embed", "code")))]

    async def after_a_question(operator: Operator) -> None:
        await operator.press("x")
        await operator.until_shown("Stop this model?")
        assert asked(operator) == []

    drive(engine_of(scene(confirm=Confirm.NEVER)), at_once)
    drive(engine_of(scene(*TRIO, confirm=Confirm.ALWAYS)), after_a_question)


def test_many_busy_ones_are_counted_and_the_question_fits_a_small_screen() -> None:
    many = tuple(replace(BUSY, name=f"model-{number:03}") for number in range(60))

    async def script(operator: Operator) -> None:
        await operator.press("a", "x")
        await operator.until_shown("and 52 more with requests in flight")
        await operator.until_shown("Stop 60 models")
        await operator.until_shown("Cancel")

    drive(engine_of(scene(*many)), script, size=(80, 24))


@pytest.mark.parametrize(("key", "last"), [("o", "w why"), ("C", "● why")], ids=["order", "columns"])
@pytest.mark.parametrize("height", [24, 18, 12])
def test_the_answer_under_the_cursor_is_seen_however_many_there_are(height: int, key: str, last: str) -> None:
    async def script(operator: Operator) -> None:
        await operator.press(key, "up")
        await operator.until_shown(last)

    drive(engine_of(snapshot(TRIO)), script, size=(80, height))
