"""The first run, and files that give no instance."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from engine.config.schema import Config
from engine.snapshots import Fault
from llama_orch_tui.exit_choice import ExitChoice
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import CONFIG, NOW, TRIO, engine_of, first_run, snapshot
from widgets.welcome import EXAMPLE


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
def test_a_first_run_greets_explains_and_shows_where_and_what_to_write(size: tuple[int, int]) -> None:
    async def script(operator: Operator) -> None:
        text = operator.text()
        assert "Welcome" in text
        assert CONFIG in text
        for line in EXAMPLE.splitlines():
            assert line in text
        assert "D tries it now" in text
        assert "? shows every key" in text
        assert "Instances" not in text

    drive(engine_of(first_run()), script, size=size)


def test_the_example_is_a_valid_file() -> None:
    assert list(Config.model_validate(tomllib.loads(EXAMPLE)).instances) == ["qwen"]


def test_d_asks_for_the_demo() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("D")

    assert drive(engine_of(first_run()), script).return_value is ExitChoice.DEMO


def test_d_does_nothing_where_there_are_instances() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("D")
        assert operator.app.is_running

    assert drive(engine_of(snapshot(TRIO)), script).return_value is None


def test_keys_of_the_panes_do_nothing_on_the_welcome() -> None:
    async def script(operator: Operator) -> None:
        await operator.press(*"sxruaolezdyjkgG", "space", "slash", "enter", "tab", "escape", "down")
        assert operator.engine.submitted == []
        assert "Welcome" in operator.text()

    drive(engine_of(first_run()), script)


def test_a_file_without_instances_is_said() -> None:
    async def script(operator: Operator) -> None:
        assert f"{CONFIG} holds no instances yet." in operator.text()
        assert "[instances.qwen]" in operator.text()

    drive(engine_of(snapshot(())), script)


def test_a_broken_file_is_said_in_its_own_words() -> None:
    fault = Fault("config", f"{CONFIG}: line 3: [instances.x] port: not a number\nline 9: [/b] unknown key", NOW)

    async def script(operator: Operator) -> None:
        assert "line 3: [instances.x] port: not a number" in operator.text()
        assert "line 9: [/b] unknown key" in operator.text()
        assert "holds no instances" not in operator.text()

    drive(engine_of(snapshot((), faults=(fault,))), script)


def test_instances_that_appear_take_the_place_of_the_welcome_and_back() -> None:
    async def script(operator: Operator) -> None:
        operator.engine.publish(snapshot(TRIO, seq=2))
        await operator.until_shown("chat")
        assert "Welcome" not in operator.text()
        await operator.press("j")
        assert operator.table.cursor_name == "embed"
        operator.engine.publish(replace(first_run(), seq=3))
        await operator.until_shown("Welcome")

    drive(engine_of(first_run()), script)


def test_before_the_first_snapshot_there_is_no_welcome() -> None:
    from engine.snapshots import Snapshot  # noqa: PLC0415 - only here

    async def script(operator: Operator) -> None:
        assert "starting…" in operator.text()
        assert "Welcome" not in operator.text()
        operator.engine.publish(snapshot(TRIO))
        await operator.until_shown("chat")
        await operator.until_shown("Log · chat")

    drive(engine_of(Snapshot()), script)
