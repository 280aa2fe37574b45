"""Footer hints made from the table of actions."""

from __future__ import annotations

from collections.abc import Iterable

from textual.screen import Screen

from llama_orch_tui.action_kinds import Action, key_name
from llama_orch_tui.actions import BY_ID
from llama_orch_tui.keymap import KeyMap
from widgets.key_footer import KeyHint
from widgets.pane_prompt import PromptKind

FILTER_HINTS = (
    KeyHint("filter.keep", "enter", "Keep the filter", 3),
    KeyHint("filter.abandon", "esc", "Show all", 2),
    KeyHint("filter.leave", "↑↓", "To the table", 1),
)
"""What can be done while a filter is typed."""


_DROP = KeyHint("prompt.abandon", "esc", "Drop it", 3)
_REGEX = KeyHint("prompt.regex", "^r", "Text or regex", 2)

PROMPT_HINTS = {
    PromptKind.SEARCH: (KeyHint("prompt.keep", "enter", "To the newest match", 4), _DROP, _REGEX),
    PromptKind.FILTER: (KeyHint("prompt.keep", "enter", "Keep the filter", 4), _DROP, _REGEX),
    PromptKind.TIME: (KeyHint("prompt.keep", "enter", "Go there", 4), _DROP),
    PromptKind.FILE: (KeyHint("prompt.keep", "enter", "Save", 4), _DROP),
}
"""What can be done while something is typed in a pane of lines."""


_TYPED = {"keep": "submit", "abandon": "abandon", "leave": "leave", "regex": "switch"}
"""The action of the line that is typed in, by what its hint is called."""


async def obey_hint(screen: Screen[None], hint: str) -> None:
    """Do what the key of a clicked hint does."""
    if hint in BY_ID:
        await screen.app.run_action(BY_ID[hint].full_call)
    elif screen.focused is not None:
        await screen.app.run_action(_TYPED[hint.partition(".")[2]], screen.focused)


def hints_for(actions: Iterable[Action], key_map: KeyMap) -> tuple[KeyHint, ...]:
    """One hint for each action that has a place in the footer."""
    return tuple(
        KeyHint(one.id, key_name(key_map.keys(one)[0]), one.label, one.priority) for one in actions if one.priority
    )
