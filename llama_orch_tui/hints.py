"""Footer hints made from the table of actions."""

from __future__ import annotations

from collections.abc import Iterable

from llama_orch_tui.action_kinds import Action, key_name
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


def hints_for(actions: Iterable[Action], key_map: KeyMap) -> tuple[KeyHint, ...]:
    """One hint for each action that has a place in the footer."""
    return tuple(
        KeyHint(one.id, key_name(key_map.keys(one)[0]), one.label, one.priority) for one in actions if one.priority
    )
