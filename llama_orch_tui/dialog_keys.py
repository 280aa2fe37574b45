"""Every key of the questions and forms, once: their bindings, the hints in their frames, and their part of the help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from textual.binding import Binding

from llama_orch_tui.action_kinds import key_name


class DialogKind(StrEnum):
    """What asks for something; the value is its heading in the help."""

    CHOICE = "In a question"
    COLUMNS = "In the columns"
    THEME = "In the themes"
    EVENT = "In an event"
    MODELS = "In the models"
    FORM = "In the form"
    CHAT = "In the chat"
    TYPING = "While something is typed"


@dataclass(frozen=True, slots=True)
class DialogKey:
    """One thing that a key does in a dialog."""

    keys: tuple[str, ...]
    """Textual's names."""
    help: str
    call: str = ""
    """Textual's action string; empty where the widget that has the focus knows the key by itself."""
    hint: str = ""
    """Key and word in the dialog's frame; empty where it is told by the help alone."""
    click: str = ""
    """What a click on the hint does where that is not `call`."""
    is_eager: bool = False
    """It comes before what the focused widget would do: what is typed quickly behind it has its effect for it."""


_MOVES = (
    DialogKey(("up", "down"), "move"),
    DialogKey(("k",), "move", "cursor(-1)"),
    DialogKey(("j",), "move", "cursor(1)"),
)

DIALOG_KEYS: dict[DialogKind, tuple[DialogKey, ...]] = {
    DialogKind.CHOICE: (
        DialogKey(("enter",), "give the answer under the cursor; its letter gives it at once", hint="↑↓ enter choose"),
        *_MOVES,
        DialogKey(("escape",), "back, and nothing is done", "cancel", "esc cancel"),
    ),
    DialogKind.COLUMNS: (
        DialogKey(("space", "enter"), "show or hide the column", "switch", "space switch"),
        *_MOVES,
        DialogKey(("escape", "q", "C"), "close", "dismiss", "esc close"),
    ),
    DialogKind.THEME: (
        DialogKey(("up", "down"), "try another one on", hint="↑↓ try on"),
        *(replace(one, help="try another one on") for one in _MOVES[1:]),
        DialogKey(("enter",), "keep it", hint="enter keep", click="keep_worn"),
        DialogKey(("escape", "t"), "back to the one before", "cancel", "esc as before"),
    ),
    DialogKind.EVENT: (
        DialogKey(("up", "k"), "scroll", "scroll(-1)"),
        DialogKey(("down", "j"), "scroll", "scroll(1)"),
        DialogKey(("escape", "enter", "q"), "close", "dismiss", "esc close"),
    ),
    DialogKind.MODELS: (
        DialogKey(("enter",), "take the model under the cursor", hint="↑↓ enter choose", click="choose"),
        DialogKey(("up",), "move", "cursor(-1)"),
        DialogKey(("down",), "move", "cursor(1)"),
        DialogKey(("pageup",), "move", "page(-1)"),
        DialogKey(("pagedown",), "move", "page(1)"),
        DialogKey(("escape",), "show all again; then back", "back", "esc cancel"),
    ),
    DialogKind.FORM: (
        DialogKey(("enter",), "write it", hint="enter write", click="write"),
        DialogKey(("ctrl+s",), "write it", "write"),
        DialogKey(("tab", "down"), "to the next line", "app.focus_next", "tab next", is_eager=True),
        DialogKey(("shift+tab", "up"), "to the line before", "app.focus_previous", is_eager=True),
        DialogKey(("escape",), "back, and nothing is written", "cancel", "esc cancel"),
    ),
    DialogKind.CHAT: (
        DialogKey(("enter",), "ask", hint="enter ask", click="ask"),
        DialogKey(("escape",), "break the answer off; then close", "back", "esc stop, close"),
        DialogKey(("ctrl+n",), "begin anew", "begin_anew", "^n new"),
        DialogKey(("pageup",), "a page up or down", "scroll(-1)"),
        DialogKey(("pagedown",), "a page up or down", "scroll(1)"),
    ),
    DialogKind.TYPING: (
        DialogKey(("enter",), "keep it, and back to the lines"),
        DialogKey(("escape",), "drop it, and back to the lines"),
        DialogKey(("up", "down"), "back to the table, the filter stays"),
        DialogKey(("ctrl+r",), "a text, or a regular expression"),
    ),
}
"""In the order of the help."""


def bindings_of(kind: DialogKind) -> list[Binding]:
    """Textual's bindings for a dialog."""
    return [
        Binding(",".join(one.keys), one.call, one.help, show=False, priority=one.is_eager)
        for one in DIALOG_KEYS[kind]
        if one.call
    ]


def frame_hints(kind: DialogKind) -> str:
    """The hints for a dialog's frame, as markup: a click on one does what its key does."""
    return " · ".join(_mark_up(one) for one in DIALOG_KEYS[kind] if one.hint)


def _mark_up(one: DialogKey) -> str:
    call = one.click or one.call
    if not call:
        return one.hint
    return f"[@click={call if call.startswith('app.') else f'screen.{call}'}]{one.hint}[/]"


def help_rows(keys: Iterable[DialogKey]) -> tuple[tuple[str, str], ...]:
    """Keys and what they do; those that do the same stand in one row."""
    rows: dict[str, list[str]] = {}
    for one in keys:
        rows.setdefault(one.help, []).extend(key_name(key) for key in one.keys)
    return tuple((" ".join(names), text) for text, names in rows.items())
