"""Keys of the operator's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.snapshots import Act
from llama_orch_tui.actions import ACTIONS, BY_ID
from llama_orch_tui.keymap import DEFAULT_KEYS, KeyMap, normalize, read_key_map
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import TRIO, engine_of, snapshot


def test_nothing_changed_is_the_table_itself() -> None:
    key_map, problems = read_key_map(())
    assert not problems
    assert all(key_map.keys(one) == one.keys for one in ACTIONS)


def test_several_keys_may_mean_one_action() -> None:
    key_map, problems = read_key_map([("help", "f1, ?"), ("stop", "ctrl+x  insert")])
    assert not problems
    assert key_map.keys(BY_ID["help"]) == ("f1", "?")
    assert key_map.keys(BY_ID["stop"]) == ("ctrl+x", "insert")


@pytest.mark.parametrize("key", [",", ";", ".", "Ä", "space"])
def test_any_single_character_is_a_key(key: str) -> None:
    key_map, problems = read_key_map([("mark", key)])
    assert not problems
    assert key_map.keys(BY_ID["mark"]) == (key,)
    assert normalize(key).isidentifier()


def test_two_actions_may_swap_their_keys() -> None:
    key_map, problems = read_key_map([("start", "x"), ("stop", "s")])
    assert not problems
    assert key_map.keys(BY_ID["start"]) == ("x",)
    assert key_map.keys(BY_ID["stop"]) == ("s",)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ([("strat", "f5")], "[keys] strat: no such action; did you mean start?"),
        ([("xyzzy", "f5")], "[keys] xyzzy: no such action; `config schema` and docs/configuration.md name them all"),
        ([("help", "shift+foo")], '[keys] help: "shift+foo" is no key'),
        ([("start", "x")], '[keys] start: "x" means stop already'),
        ([("start", "f5"), ("stop", "f5")], '[keys] stop: "f5" means start already'),
        ([("help", "ctrl+q")], '[keys] help: "ctrl+q" means quit already'),
    ],
)
def test_what_cannot_be_had_is_said_and_the_old_key_stays(table: list[tuple[str, str]], problem: str) -> None:
    key_map, problems = read_key_map(table)
    assert len(problems) == 1
    assert str(problems[0]).startswith(problem)
    refused = problem.removeprefix("[keys] ").partition(":")[0]
    assert refused not in key_map.changed


def test_a_key_may_mean_different_things_in_different_panes() -> None:
    key_map, problems = read_key_map([("describe", "f9"), ("show_event", "f9")])
    assert not problems
    assert key_map.keys(BY_ID["describe"]) == key_map.keys(BY_ID["show_event"]) == ("f9",)


def test_every_default_key_has_a_name_of_textual() -> None:
    for binding in DEFAULT_KEYS.bindings(*{one.scope for one in ACTIONS}):
        assert all(normalize(key) == key for key in binding.key.split(","))


def test_the_console_takes_them_up_and_shows_them_everywhere() -> None:
    async def script(operator: Operator) -> None:
        await operator.until_shown("x Stop")
        operator.engine.publish(replace(snapshot(TRIO, seq=2), keys=(("stop", "f6"), ("help", "f1"))))
        await operator.until_shown("f6 Stop")
        await operator.press("x")
        assert not operator.engine.submitted
        await operator.press("f6")
        await operator.until(lambda: [one.act for one in operator.engine.submitted] == [Act.STOP])
        await operator.press("f1")
        await operator.until_shown("stop the chosen instances")
        line = operator.lines()[operator.line_of("stop the chosen instances")]
        assert line.strip(" │").startswith("f6")
        await operator.press("f1")
        await operator.until_gone("stop the chosen instances")
        await operator.press("s")
        await operator.until(lambda: len(operator.engine.submitted) == 2)

    drive(engine_of(snapshot(TRIO)), script)


def test_what_shares_a_key_with_a_changed_action_keeps_it() -> None:
    async def script(operator: Operator) -> None:
        operator.engine.publish(replace(snapshot(TRIO, seq=2), keys=(("describe", "f9"),)))
        await operator.until_shown("f9 Describe")
        await operator.press("e")
        await operator.until_shown("enter Show log")

    drive(engine_of(snapshot(TRIO)), script)


def test_a_mistake_in_the_keys_stands_on_the_screen_until_it_is_mended() -> None:
    async def script(operator: Operator) -> None:
        operator.engine.publish(replace(snapshot(TRIO, seq=2), keys=(("strat", "f5"),)))
        await operator.until_shown("did you mean start?")
        operator.engine.publish(replace(snapshot(TRIO, seq=3), keys=(("start", "f5"),)))
        await operator.until_gone("did you mean start?")

    drive(engine_of(snapshot(TRIO)), script)


def test_a_key_map_is_a_value() -> None:
    assert KeyMap({"start": ("f5",)}) == KeyMap({"start": ("f5",)})
