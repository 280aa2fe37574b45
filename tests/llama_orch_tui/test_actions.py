from __future__ import annotations

from collections import Counter

import pytest

from llama_orch_tui.action_kinds import Action, Group, Scope, key_name
from llama_orch_tui.actions import ACTIONS
from llama_orch_tui.app import ConsoleApp
from llama_orch_tui.keymap import DEFAULT_KEYS, TOGETHER
from llama_orch_tui.screens.dashboard import DashboardScreen
from llama_orch_tui.screens.describe import DescribeScreen
from llama_orch_tui.screens.help import LEFT_GROUPS, RIGHT_GROUPS, sections

PROMISED = [
    "up",
    "down",
    "j",
    "k",
    "home",
    "g",
    "end",
    "G",
    "s",
    "x",
    "r",
    "u",
    "space",
    "a",
    "enter",
    "d",
    "escape",
    "l",
    "e",
    "tab",
    "shift+tab",
    "z",
    "p",
    "slash",
    "o",
    "y",
    "t",
    "question_mark",
    "ctrl+p",
    "q",
    "ctrl+c",
    "ctrl+q",
    "ctrl+z",
    "pageup",
    "pagedown",
    "D",
    "n",
    "N",
    "f",
    "L",
    "T",
    "w",
    "c",
    "m",
    *"123456",
    "left_square_bracket",
    "right_square_bracket",
    "E",
    "i",
    "delete",
    "ctrl+u",
]


def owners(action: Action) -> list[type]:
    """The classes that must carry an action's method."""
    match action.scope:
        case Scope.APP:
            return [ConsoleApp]
        case Scope.PAGE | Scope.DESCRIBE:
            return [DescribeScreen]
        case Scope.MOVES | Scope.LOG | Scope.INSTANCE:
            return [DashboardScreen, DescribeScreen]
        case _:
            return [DashboardScreen]


def test_ids_are_unique() -> None:
    assert max(Counter(action.id for action in ACTIONS).values()) == 1


@pytest.mark.parametrize("scopes", TOGETHER, ids=lambda scopes: "+".join(sorted(scopes)))
def test_no_key_does_two_things_in_one_place(scopes: set[Scope]) -> None:
    keys = Counter(key for action in ACTIONS if action.scope in scopes for key in (*action.keys, *action.eager_keys))

    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("key", PROMISED)
def test_every_promised_key_is_in_the_table(key: str) -> None:
    assert any(key in (*action.keys, *action.eager_keys) for action in ACTIONS)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_has_a_method_where_it_works(action: Action) -> None:
    for owner in owners(action):
        assert callable(getattr(owner, f"action_{action.method}"))


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_is_bound_under_its_id(action: Action) -> None:
    bound = {binding.id: binding for binding in DEFAULT_KEYS.bindings(action.scope)}

    assert bound[action.id].key == ",".join(action.keys)
    assert not bound[action.id].priority


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_is_in_the_help(action: Action) -> None:
    rows = [row for section in sections(LEFT_GROUPS + RIGHT_GROUPS) for row in section.rows]

    assert any(help_text == action.help and key_name(action.keys[0]) in keys.split() for keys, help_text in rows)


def test_the_help_shows_every_group() -> None:
    assert set(LEFT_GROUPS + RIGHT_GROUPS) == set(Group)
