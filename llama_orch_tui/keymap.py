"""The operator's own keys: `[keys]` of the configuration over the table of actions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from textual.binding import Binding, BindingsMap
from textual.dom import DOMNode
from textual.keys import Keys

from llama_orch_tui.action_kinds import Action, Scope
from llama_orch_tui.actions import BY_ID, in_scopes

TOGETHER: tuple[frozenset[Scope], ...] = (
    frozenset({Scope.APP, Scope.INSTANCE, Scope.DASHBOARD, Scope.MOVES, Scope.TABLE}),
    frozenset({Scope.APP, Scope.INSTANCE, Scope.DASHBOARD, Scope.MOVES, Scope.EVENTS}),
    frozenset({Scope.APP, Scope.INSTANCE, Scope.DASHBOARD, Scope.MOVES, Scope.LOG}),
    frozenset({Scope.APP, Scope.INSTANCE, Scope.PAGE, Scope.DESCRIBE, Scope.MOVES, Scope.LOG}),
    frozenset({Scope.APP, Scope.WELCOME}),
)
"""Scopes whose keys work at the same time: within each, a key has one meaning."""

_WHERE_NAMED = "no such action; `config schema` and docs/configuration.md name them all"
_MODIFIERS = re.compile(r"^(?:(?:ctrl|alt|shift|super|meta|hyper)\+)*")
_NAMED = frozenset(key.value for key in Keys if not key.value.startswith("<")) | {"slash", "question_mark", "backspace"}


@dataclass(frozen=True, slots=True)
class KeyMap:
    """Which keys mean which action."""

    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Action ids and their keys, where the operator wants others."""

    def keys(self, action: Action) -> tuple[str, ...]:
        """The keys of an action as they were written; the first is shown."""
        return self.changed.get(action.id, action.keys)

    def bindings(self, *scopes: Scope) -> list[Binding]:
        """Textual bindings for `scopes`."""
        made: list[Binding] = []
        for action in in_scopes(scopes):
            made.append(_bind(self.keys(action), action))
            if action.eager_keys:
                made.append(_bind(action.eager_keys, action, is_eager=True))
        return made

    def rebind(self, node: DOMNode, *scopes: Scope) -> None:
        """Give `node`, whose own keys are those of `scopes`, these keys from now on.

        Textual's own key map is not used: it takes a key away from every action that shares it with a remapped one.
        """
        node._bindings = BindingsMap(self.bindings(*scopes))  # noqa: SLF001 - see above


@runtime_checkable
class HasKeys(Protocol):
    """An application whose operator may have keys of his own."""

    key_map: KeyMap


def keys_of(app: object) -> KeyMap:
    """The keys in force."""
    return app.key_map if isinstance(app, HasKeys) else DEFAULT_KEYS


@dataclass(frozen=True, slots=True)
class KeyProblem:
    """An entry of `[keys]` that cannot be had."""

    action: str
    """The id, as it was written."""
    message: str

    def __str__(self) -> str:
        return f"[keys] {self.action}: {self.message}"


def read_key_map(table: Iterable[tuple[str, str]]) -> tuple[KeyMap, tuple[KeyProblem, ...]]:
    """The key map that `[keys]` asks for, and what of it cannot be had.

    A value holds one key or several, with blanks or commas between them: ``"f5 ctrl+r"``.
    """
    changed: dict[str, tuple[str, ...]] = {}
    problems: list[KeyProblem] = []
    for name, text in table:
        keys = tuple(re.split(r"[\s,]+", text.strip())) if len(text) > 1 else (text,)
        if problem := _find_problem(name, keys):
            problems.append(KeyProblem(name, problem))
        else:
            changed[name] = keys
    while clash := _find_clash(KeyMap(changed)):
        loser, key, owner = clash
        del changed[loser.id]
        told = f'"{key}" means {owner.id} already; change that one, too, or choose another'
        problems.append(KeyProblem(loser.id, told))
    return KeyMap(changed), tuple(problems)


def normalize(key: str) -> str:
    """Textual's name of a key: ``question_mark`` for ``?``."""
    [binding] = Binding.make_bindings([Binding("comma" if key == "," else key, "none")])
    return binding.key


def _bind(keys: Sequence[str], action: Action, *, is_eager: bool = False) -> Binding:
    name = f"{action.id}_eager" if is_eager else action.id
    names = ",".join(normalize(key) for key in keys)
    return Binding(names, action.call, action.label, show=False, priority=is_eager, id=name)


def _find_problem(name: str, keys: Sequence[str]) -> str:
    if name not in BY_ID:
        near = difflib.get_close_matches(name, BY_ID, n=1)
        return f"no such action; did you mean {near[0]}?" if near else _WHERE_NAMED
    for key in keys:
        base = _MODIFIERS.sub("", key, count=1)
        if len(base) != 1 and base not in _NAMED:
            return f'"{key}" is no key; write one like "x", "ctrl+x", "f5", "space", "pageup"'
    return ""


def _find_clash(key_map: KeyMap) -> tuple[Action, str, Action] | None:
    """A changed action, a key of it, and what else the key means at the same time; None when all is well."""
    for scopes in TOGETHER:
        owners: dict[str, Action] = {}
        for action in sorted(in_scopes(scopes), key=lambda one: one.id in key_map.changed):  # the changed ones last
            for key in (*key_map.keys(action), *action.eager_keys):
                owner = owners.setdefault(normalize(key), action)
                if owner is not action:
                    return action, key, owner
    return None


DEFAULT_KEYS = KeyMap()
"""The keys as they come."""
