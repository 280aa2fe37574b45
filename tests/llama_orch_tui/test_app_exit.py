"""Leaving: the question, its answers, and signals."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace

import pytest

from engine.snapshots import OnExit, State
from llama_orch_tui.app import ConsoleApp
from llama_orch_tui.exit_choice import ExitChoice
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import TRIO, engine_of, instance, snapshot

RESTING = (instance("a", State.STOPPED), instance("b", State.FAILED))


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
@pytest.mark.parametrize(
    ("answer", "choice"),
    [
        (["enter"], ExitChoice.DAEMON),
        (["b"], ExitChoice.DAEMON),
        (["l"], ExitChoice.LEAVE),
        (["s"], ExitChoice.STOP),
        (["down", "enter"], ExitChoice.LEAVE),
        (["j", "j", "enter"], ExitChoice.STOP),
        (["j", "k", "enter"], ExitChoice.DAEMON),
    ],
    ids="+".join,
)
def test_leaving_asks_what_becomes_of_running_models(key: str, answer: list[str], choice: ExitChoice) -> None:
    async def script(operator: Operator) -> None:
        await operator.press(key)
        await operator.until_shown("2 models are running.")
        await operator.press(*answer)

    assert drive(engine_of(snapshot(TRIO)), script).return_value is choice


@pytest.mark.parametrize("answer", [["escape"], ["c"], ["j", "j", "j", "enter"]], ids="+".join)
def test_whoever_backs_out_stays_and_may_ask_again(answer: list[str]) -> None:
    async def script(operator: Operator) -> None:
        for _ in range(2):
            await operator.press("q")
            await operator.until_shown("Leave the console?")
            await operator.press(*answer)
            await operator.until_gone("Leave the console?")
        assert operator.app.is_running

    assert drive(engine_of(snapshot(TRIO)), script).return_value is None


def test_ctrl_c_twice_asks_once() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("ctrl+c", "ctrl+c")
        await operator.press("escape")
        await operator.until_gone("Leave the console?")

    drive(engine_of(snapshot(TRIO)), script)


def test_ctrl_c_asks_while_a_filter_is_typed() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("slash", "c", "ctrl+c")
        await operator.until_shown("Leave the console?")

    drive(engine_of(snapshot(TRIO)), script)


def test_the_question_names_a_leader_that_goes_on_watching() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("q")
        await operator.until_shown("The daemon with PID 123 goes on watching.")

    drive(engine_of(snapshot(TRIO, follows=True)), script)


def test_the_question_says_that_nobody_watches_after_a_leading_dashboard() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("q")
        await operator.until_shown("Nobody restarts what crashes")

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize("instances", [RESTING, ()], ids=["nothing runs", "no instance"])
def test_where_nothing_runs_nothing_is_asked(instances: tuple[object, ...]) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("q")

    shown = snapshot(RESTING if instances else ())
    assert drive(engine_of(shown), script).return_value is ExitChoice.LEAVE


@pytest.mark.parametrize(
    ("on_exit", "follows", "choice"),
    [
        (OnExit.DAEMON, False, ExitChoice.DAEMON),
        (OnExit.LEAVE, False, ExitChoice.LEAVE),
        (OnExit.STOP, False, ExitChoice.STOP),
        (OnExit.DAEMON, True, ExitChoice.LEAVE),
        (OnExit.LEAVE, True, ExitChoice.LEAVE),
        (OnExit.STOP, True, ExitChoice.STOP),
    ],
)
def test_enter_gives_the_answer_of_the_configuration(on_exit: OnExit, *, follows: bool, choice: ExitChoice) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("q")
        await operator.until_shown("Leave the console?")
        await operator.press("enter")

    shown = replace(snapshot(TRIO, follows=follows), on_exit=on_exit)
    assert drive(engine_of(shown), script).return_value is choice


def test_no_daemon_is_offered_where_another_goes_on_watching() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("q")
        await operator.until_shown("Leave the console?")
        assert "background" not in operator.text()
        assert "unwatched" not in operator.text()

    drive(engine_of(snapshot(TRIO, follows=True)), script)


def test_what_is_to_be_started_again_is_a_reason_to_ask() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("q")
        await operator.until_shown("what is wanted is started again")
        await operator.press("b")

    crashed = snapshot((*RESTING, instance("c", State.BACKOFF, retry_in=5)))
    assert drive(engine_of(crashed), script).return_value is ExitChoice.DAEMON


def test_the_demo_ends_with_its_models() -> None:
    async def script(operator: Operator) -> None:
        assert "demo" in operator.lines()[0]
        await operator.press("q")

    assert drive(engine_of(snapshot(TRIO)), script, is_demo=True).return_value is ExitChoice.STOP


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither signal")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_console_with_its_code_and_without_a_choice(name: str) -> None:
    number = signal.Signals[name]

    async def script(operator: Operator) -> None:
        os.kill(os.getpid(), number)
        await operator.until(lambda: operator.app._exit)

    app = drive(engine_of(snapshot(TRIO)), script)

    assert app.return_value is None
    assert app.return_code == 128 + number


def test_a_signal_before_it_runs_ends_it_as_soon_as_it_does() -> None:
    app = ConsoleApp(engine_of(snapshot(TRIO)))
    app.hear(15)

    asyncio.run(asyncio.wait_for(app.run_async(headless=True), 20.0))

    assert app.return_value is None
    assert app.return_code == 128 + 15


def test_the_screen_is_drawn_again_after_a_suspension() -> None:
    async def script(operator: Operator) -> None:
        operator.app.app_resume_signal.publish(operator.app)
        await operator.until_shown("Instances")
        await operator.press("ctrl+z")
        await operator.until_shown("Instances")

    drive(engine_of(snapshot(TRIO)), script)
