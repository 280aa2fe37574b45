"""Keys that ask the engine for something, and what the screen says until it is done."""

from __future__ import annotations

import pytest

from engine.snapshots import Act, State, Target
from llama_orch_tui.pending import PATIENCE_S
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import NOW, TRIO, engine_of, instance, snapshot


@pytest.mark.parametrize(("key", "act"), [("s", Act.START), ("x", Act.STOP), ("r", Act.RESTART)])
def test_a_key_asks_for_the_act_on_the_instance_under_the_cursor(key: str, act: Act) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("down", key)
        asked = operator.engine.submitted
        assert [(one.act, one.target) for one in asked] == [(act, Target(names=("embed",)))]

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize(("key", "act"), [("s", Act.START), ("r", Act.RESTART)])
def test_a_key_asks_for_the_act_on_what_is_marked_in_the_files_order(key: str, act: Act) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("G", "space", "g", "space", "down", key)
        asked = operator.engine.submitted
        assert [(one.act, one.target) for one in asked] == [(act, Target(names=("chat", "code")))]

    drive(engine_of(snapshot(TRIO)), script)


def test_u_asks_for_a_restart_of_everything_unhealthy() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("u")
        asked = operator.engine.submitted
        assert [(one.act, one.target) for one in asked] == [(Act.RESTART, Target(unhealthy=True))]
        await operator.until(lambda: "starting…" in operator.lines()[operator.line_of("huge")])

    drive(engine_of(snapshot()), script)


def test_u_says_so_when_there_is_nothing_to_restart() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("u")
        await operator.until_shown("Nothing is unhealthy, failed or in backoff.")
        assert operator.engine.submitted == []

    drive(engine_of(snapshot(TRIO)), script)


def test_stopping_several_asks_first_and_escape_stops_nothing() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("a", "x")
        await operator.until_shown("Stop these models?")
        assert operator.engine.submitted == []
        await operator.press("escape")
        await operator.until_gone("Stop these models?")
        await operator.press("x", "c")
        await operator.until_gone("Stop these models?")
        assert operator.engine.submitted == []

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize("key", ["enter", "x"])
def test_stopping_several_goes_on_when_it_is_said_again(key: str) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("a", "x")
        await operator.until_shown("Stop 2 models")
        await operator.press(key)
        await operator.until(lambda: bool(operator.engine.submitted))
        assert operator.engine.submitted[0].target == Target(names=("chat", "embed", "code"))

    drive(engine_of(snapshot(TRIO)), script)


def test_a_marked_one_alone_is_stopped_without_a_question() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("space", "x")
        assert operator.engine.submitted[0].target == Target(names=("chat",))

    drive(engine_of(snapshot(TRIO)), script)


def test_the_effect_of_a_key_shows_at_once_and_the_truth_takes_its_place() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("x")
        assert "stopping…" in operator.lines()[operator.line_of("8081")]
        operator.engine.publish(snapshot((instance("chat", State.STOPPING, port=8081), *TRIO[1:]), seq=2))
        await operator.until_gone("stopping…")
        assert "stopping" in operator.lines()[operator.line_of("8081")]

    drive(engine_of(snapshot(TRIO)), script)


def test_the_effect_is_withdrawn_when_nothing_came_of_it() -> None:
    now = [NOW]

    async def script(operator: Operator) -> None:
        await operator.press("x")
        await operator.until_shown("stopping…")
        now[0] += PATIENCE_S
        await operator.until_gone("stopping…")
        assert "ready" in operator.lines()[operator.line_of("8081")]

    drive(engine_of(snapshot(TRIO)), script, clock=lambda: now[0])


def test_a_refusal_is_told_as_an_error_and_withdraws_the_effect() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("G", "s")
        await operator.until_shown("starting…")
        operator.engine.submitted[0].complete(54, "code: model [/models/x.gguf]: no such file[/nope]")
        await operator.until(lambda: bool(operator.told()))
        assert operator.told() == [("error", "code: model [/models/x.gguf]: no such file[/nope]")]
        await operator.until_gone("starting…")

    drive(engine_of(snapshot(TRIO)), script)


def test_a_success_is_told_and_its_effect_stands_until_the_snapshot_shows_it() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("G", "s")
        operator.engine.submitted[0].complete(0, "code: started", ("code",))
        await operator.until(lambda: operator.told() == [("information", "code: started")])
        assert "starting…" in operator.text()

    drive(engine_of(snapshot(TRIO)), script)


def test_five_presses_are_five_requests_and_nothing_waits() -> None:
    async def script(operator: Operator) -> None:
        await operator.press(*"rrrrr")
        assert [one.act for one in operator.engine.submitted] == [Act.RESTART] * 5
        for one in operator.engine.submitted:
            one.complete(0, "chat: restarted", ("chat",))
        await operator.until(lambda: len(operator.told()) == 5)

    drive(engine_of(snapshot(TRIO)), script)


def test_an_outcome_that_comes_after_the_end_harms_nobody() -> None:
    engine = engine_of(snapshot(TRIO))

    async def script(operator: Operator) -> None:
        await operator.press("s")

    drive(engine, script)
    engine.submitted[0].complete(0, "chat: started")


def test_y_copies_the_command_line_of_the_instance_under_the_cursor() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("down", "y")
        await operator.until(lambda: operator.app.clipboard == "llama-server --alias embed")
        await operator.until(lambda: ("information", "llama-server --alias embed") in operator.told())

    drive(engine_of(snapshot(TRIO)), script)


def test_y_says_why_there_is_nothing_to_copy() -> None:
    async def script(operator: Operator) -> None:
        operator.engine.gone.add("embed")
        await operator.press("y")
        await operator.until(lambda: bool(operator.told()))
        assert operator.told()[0][0] == "error"
        assert "embed: no such instance" in operator.told()[0][1]

    engine = engine_of(snapshot(TRIO[1:2]))
    drive(engine, script)


@pytest.mark.parametrize(
    ("name", "shown", "hidden"),
    [("chat", "x Stop", "s Start"), ("code", "s Start", "x Stop")],
)
def test_the_footer_offers_what_works_here(name: str, shown: str, hidden: str) -> None:
    async def script(operator: Operator) -> None:
        operator.dashboard.go_to(name)
        await operator.until(lambda: shown in operator.lines()[-1])
        assert hidden not in operator.lines()[-1]

    drive(engine_of(snapshot(TRIO)), script)


def test_a_click_in_the_footer_does_what_the_key_does() -> None:
    async def script(operator: Operator) -> None:
        column = operator.lines()[-1].index("x Stop") - 1
        await operator.pilot.click("KeyFooter", offset=(column + 1, 0))
        await operator.pilot.pause()
        assert [one.act for one in operator.engine.submitted] == [Act.STOP]

    drive(engine_of(snapshot(TRIO)), script)
