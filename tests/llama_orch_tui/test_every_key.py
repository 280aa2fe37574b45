"""Every key of every action does something that shows: one console for each, the key, and what has changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import OptionList

import llama_orch_tui.screens
from engine.conversation import ChatAnswer, ChatStatus
from engine.editing import FoundModel, SearchState
from engine.snapshots import Event, EventType, Level, ProfileSnapshot, State
from llama_orch_tui.action_kinds import Action, Scope
from llama_orch_tui.actions import ACTIONS, BY_ID
from llama_orch_tui.dialog_keys import DIALOG_KEYS, DialogKind
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import BUSY, DESCRIPTION, NOW, TRIO, engine_of, first_run, instance, snapshot
from tests.fakes.still_engine import StillEngine
from themes import THEMES

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
        app.theme,
        app.screen,
        [options.highlighted for options in app.screen.query(OptionList)],
        [widget.scroll_offset for widget in app.screen.query("EventScreen > .dialog, ChatLog")],
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


DIALOGS: dict[DialogKind, tuple[str, ...]] = {
    DialogKind.CHOICE: ("o",),
    DialogKind.COLUMNS: ("C",),
    DialogKind.THEME: ("t",),
    DialogKind.EVENT: ("e", "d"),
    DialogKind.MODELS: ("n",),
    DialogKind.FORM: ("n", "enter"),
    DialogKind.CHAT: ("c",),
    DialogKind.TYPING: ("slash", "c"),
}
"""The keys that open each dialog."""
FIRST: dict[tuple[DialogKind, str], tuple[str, ...]] = {
    (DialogKind.THEME, "escape"): ("down",),
    (DialogKind.THEME, "t"): ("down",),
    (DialogKind.EVENT, "up"): ("down",),
    (DialogKind.EVENT, "k"): ("down",),
    (DialogKind.MODELS, "up"): ("down",),
    (DialogKind.MODELS, "pageup"): ("down",),
    (DialogKind.FORM, "enter"): ("tab",),
    (DialogKind.CHAT, "enter"): ("h", "i"),
    (DialogKind.CHAT, "ctrl+n"): ("h", "i", "enter"),
    (DialogKind.CHAT, "pageup"): ("h", "i", "enter"),
    (DialogKind.CHAT, "pagedown"): ("h", "i", "enter", "pageup"),
    (DialogKind.TYPING, "ctrl+r"): ("escape", "l", "slash", "a"),
}
"""What has to be pressed in the dialog before."""
IN_DIALOGS = [
    pytest.param(kind, key, id=f"{kind.name.lower()}-{key}")
    for kind, rows in DIALOG_KEYS.items()
    for one in rows
    for key in one.keys
]


async def open_dialog(operator: Operator, kind: DialogKind, key: str = "") -> None:
    await operator.press(*DIALOGS[kind])
    await operator.pilot.pause(0.2)  # models are found, what was typed is checked
    await operator.press(*FIRST.get((kind, key), ()))
    for chat in operator.engine.chats:
        if chat.asked:
            chat.published = ChatAnswer(ChatStatus.DONE, "word\n\n" * 99, "", 99, 0.2, 9.0)
    await operator.pilot.pause(0.2)


def engine_for_dialogs() -> StillEngine:
    """Models to be found, and an event longer than the screen."""
    engine = engine_for(BY_ID["chat"])
    engine.search.published = SearchState(
        tuple(FoundModel(f"/m/{name}.gguf", "models", name, 1 << 30) for name in "abc"), is_done=True
    )
    lines = tuple(f"line {number}" for number in range(99))
    event = Event(NOW, "chat", Level.ERROR, EventType.EXITED, "exited", (("last_lines", lines),), 99)
    engine.publish(replace(engine.snapshot(), seq=2, events=(event,)))
    return engine


@pytest.mark.parametrize(("kind", "key"), IN_DIALOGS)
def test_a_key_in_a_dialog_does_what_it_says(kind: DialogKind, key: str) -> None:
    async def script(operator: Operator) -> None:
        await open_dialog(operator, kind, key)
        before = seen(operator)
        await operator.press(key)
        await operator.until(lambda: seen(operator) != before, f"the effect of {key} in {kind}")

    drive(engine_for_dialogs(), script)


@pytest.mark.parametrize("kind", [kind for kind in DialogKind if kind is not DialogKind.TYPING])
def test_a_click_on_the_way_out_in_the_frame_of_a_dialog_closes_it(kind: DialogKind) -> None:
    async def script(operator: Operator) -> None:
        await open_dialog(operator, kind)
        dialog = operator.app.screen
        line = next(number for number, text in enumerate(operator.lines()) if "· esc " in text or "─ esc " in text)
        column = operator.lines()[line].index("esc ")
        await operator.pilot.click(offset=(column + 1, line))
        await operator.until(lambda: operator.app.screen is not dialog)

    drive(engine_for_dialogs(), script)


@pytest.mark.parametrize("kind", [kind for kind in DialogKind if kind is not DialogKind.TYPING])
def test_what_is_behind_a_dialog_stays_in_sight_in_every_theme_of_ours(kind: DialogKind) -> None:
    """Sixteen colours cannot be mixed to a tint: there, too."""

    async def script(operator: Operator) -> None:
        await open_dialog(operator, kind)
        for theme in THEMES:
            operator.app.theme = theme.name
            await operator.until(lambda: "leading" in operator.lines()[0], f"the top bar in {theme.name}")

    drive(engine_for_dialogs(), script)


def test_every_binding_of_a_dialog_is_in_its_table() -> None:
    """What a dialog binds by itself would be told nowhere."""
    screens = Path(llama_orch_tui.screens.__file__).parent
    own = {path.name for path in screens.glob("*.py") if " Binding(" in path.read_text(encoding="utf-8")}

    assert not own


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
