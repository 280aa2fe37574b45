"""Every key of every action does something that shows: one console for each, the key, and what has changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.snapshots import ProfileSnapshot, State
from llama_orch_tui.action_kinds import Action, Scope
from llama_orch_tui.actions import ACTIONS
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import BUSY, DESCRIPTION, TRIO, engine_of, first_run, instance, snapshot
from tests.fakes.still_engine import StillEngine

SEARCHED = ("slash", "a", "enter")
REACHED: dict[Scope, tuple[str, ...]] = {
    Scope.EVENTS: ("e",),
    Scope.LOG: ("l",),
    Scope.MOVES: ("e", "up", "up", "up"),
    Scope.PAGE: ("d", "1"),
    Scope.DESCRIBE: ("d", "1"),
}
"""The keys that lead to where a scope's actions work; the others work at once."""
BEFORE: dict[str, tuple[str, ...]] = {
    "start": ("G",),
    "undo_remove": ("G", "delete", "r"),
    "event_next": ("e", *SEARCHED),
    "event_previous": ("e", *SEARCHED),
    "log_next": ("l", *SEARCHED),
    "log_previous": ("l", *SEARCHED),
    "reset_sizes": ("minus", "minus"),
    "turn_order": ("o", "n"),
    "back": ("z",),
    "tab_overview": ("d", "2"),
    "open_event": ("d", "5"),
    "move_last": ("e", "up", "up"),
    "move_left": ("l", "right"),
}
"""What an action needs besides."""
ELSEWHERE = {
    "suspend": ("tests/faults/test_hand_over.py", 'press("\\x1a")'),
    "undo_remove_first": ("tests/llama_orch_tui/test_app_removal.py", "can_be_put_back_from_the_welcome"),
}
"""Actions that need more than a still engine: the file that presses their key, and what stands there."""
PRESSED = [
    pytest.param(action, key, id=f"{action.id}-{key}")
    for action in ACTIONS
    for key in (*action.keys, *action.eager_keys)
    if action.id not in ELSEWHERE
]


def engine_for(action: Action) -> StillEngine:
    """Something for every action to work on."""
    if action.scope is Scope.WELCOME:
        return engine_of(first_run())
    rows = (*TRIO[:1], *BUSY[1:9], instance("last", State.STOPPED))
    engine = engine_of(replace(snapshot(rows), profiles=(ProfileSnapshot("night", ("last",), ("last",)),)))
    engine.descriptions["chat"] = DESCRIPTION
    engine.editor.tables["chat"] = {"model": "/m/chat.gguf", "port": 8081}
    return engine


def seen(operator: Operator) -> tuple[object, ...]:
    """All that an operator can notice: the screen, what was asked of the engine, what was copied, the end."""
    app, engine = operator.app, operator.engine
    return (
        operator.text(),
        app.focused,
        operator.table.cursor_name,
        operator.events.chosen(),
        len(engine.submitted),
        [list(view.calls) for view in engine.views],
        list(engine.editor.done),
        operator.told(),
        app.clipboard,
        app.return_value,
    )


@pytest.mark.parametrize(("action", "key"), PRESSED)
def test_a_key_does_what_it_says(action: Action, key: str) -> None:
    async def script(operator: Operator) -> None:
        await operator.press(*BEFORE.get(action.id, REACHED.get(action.scope, ())))
        await operator.pilot.pause(0.2)  # the log follows the cursor, the event log is read
        before = seen(operator)
        await operator.press(key)
        await operator.until(lambda: seen(operator) != before, f"the effect of {key} ({action.help})")

    drive(engine_for(action), script)


@pytest.mark.parametrize("keys", [(), ("e",), ("l",), ("d",)], ids="-".join)
def test_a_key_without_a_meaning_does_nothing(keys: tuple[str, ...]) -> None:
    async def script(operator: Operator) -> None:
        await operator.press(*keys)
        await operator.pilot.pause(0.2)
        before = seen(operator)
        await operator.press("f12", "B")
        await operator.pilot.pause(0.2)
        assert seen(operator) == before

    drive(engine_for(ACTIONS[0]), script)


@pytest.mark.parametrize(("name", "text"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_is_pressed_elsewhere_is_pressed_there(name: str, text: str) -> None:
    assert text in (Path(__file__).parents[2] / name).read_text(encoding="utf-8")
