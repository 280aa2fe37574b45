"""What is wrong with a table's keys, told in words instead of the validator's."""

from __future__ import annotations

import datetime as dt
import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from engine.config.fields import Words
from engine.config.lines import KeyPath
from engine.config.redact import is_secret_name

_MAX_SHOWN = 60
_MAX_SHOWN_INT = 10**18
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),  # before int, which it is, too
    (int, "a whole number"),
    (float, "a number"),
    (str, "a text"),
    (list, "a list"),
    (dict, "a table"),
    (dt.date, "a date"),
    (dt.time, "a time"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in the file, before its line is known."""

    path: KeyPath
    """The keys that lead to it, from the top of the file."""
    message: str
    fix: str
    is_table: bool = False
    """True when it concerns the table that `path` names, not a key in it."""


def find_faults(model: type[BaseModel], raw: Mapping[str, object], path: KeyPath) -> tuple[Fault, ...]:
    """Every key of `raw` that `model` refuses, nested tables included; one fault for each key."""
    try:
        model.model_validate(raw)
    except ValidationError as error:
        found = (
            _explain(model, raw, path, each["loc"])
            for each in error.errors(include_url=False, include_context=False, include_input=False)
            if each["loc"]  # what concerns the whole table is a conflict, found in the merged table
        )
        return tuple(dict.fromkeys(found))
    return ()


def marks_of(field: FieldInfo) -> Iterator[object]:
    """Everything that is attached to a field's type, the outermost first."""
    yield from field.metadata
    level: list[object] = [field.annotation]
    while level:
        below = [part for annotation in level for part in get_args(annotation)]
        yield from below
        level = below


def table_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a table of its own, else None."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def not_a_table(path: KeyPath, value: object) -> Fault:
    """The fault of a value that stands where a table belongs."""
    fix = f"write [{format_keys(path)}] on a line of its own"
    return Fault(path, f"must be a table; it is {show(value)}", fix, is_table=True)


def format_keys(path: KeyPath) -> str:
    """A dotted key as it is written in the file."""
    return ".".join(key if _is_bare(key) else json.dumps(key, ensure_ascii=False) for key in path)


def show(value: object) -> str:
    """A value of the file in a few words."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() if abs(value) > _MAX_SHOWN_INT:
            return "a huge number"
        case int() | float():
            return str(value)
        case str():
            text = json.dumps(value, ensure_ascii=False)
            return text if len(text) <= _MAX_SHOWN else f'{text[:_MAX_SHOWN]}…"'
        case _:
            return _kind(value)


def suggest(word: str, known: list[str]) -> str:
    """The known word that `word` resembles, without regard to case; empty when none does."""
    lowered = {one.lower(): one for one in reversed(known)}
    close = difflib.get_close_matches(word.lower(), list(lowered), n=1)
    return lowered[close[0]] if close else ""


def _is_bare(key: str) -> bool:
    return key.isascii() and key.replace("-", "").replace("_", "").isalnum()


def _kind(value: object) -> str:
    return next((word for kind, word in _KINDS if isinstance(value, kind)), "something else")


def _explain(model: type[BaseModel], raw: Mapping[str, object], path: KeyPath, loc: tuple[int | str, ...]) -> Fault:
    key, rest = str(loc[0]), loc[1:]
    field = model.model_fields.get(key)
    if field is None:
        return _unknown_key(model, path, key)
    value = raw[key]
    table = table_of(field)
    if table is not None:
        if isinstance(value, dict) and rest:
            return _explain(table, value, (*path, key), rest)
        return not_a_table((*path, key), value)
    words = [mark for mark in marks_of(field) if isinstance(mark, Words)]
    holds_items = len(words) > 1  # else what follows the key names a branch of the type, no place in the value
    if holds_items and rest and isinstance(value, list) and isinstance(rest[0], int):
        return _bad_item((*path, key), rest[0], value[rest[0]], words[-1])
    if holds_items and rest and isinstance(value, dict):
        return _bad_entry((*path, key, str(rest[0])), value[rest[0]], words[-1], is_name=rest[-1] == "[key]")
    shown = "a value that is not shown here" if is_secret_name(key) else show(value)
    return Fault((*path, key), f"must be {words[0].must_be}; it is {shown}", f"for example {key} = {words[0].example}")


def _bad_item(path: KeyPath, index: int, item: object, words: Words) -> Fault:
    # The item itself is not shown: it may follow a flag such as --api-key.
    fix = "correct it" if isinstance(item, str) else "put it in quotes"
    return Fault(path, f"item {index + 1} must be {words.must_be}; it is {_kind(item)}", fix)


def _bad_entry(path: KeyPath, value: object, words: Words, *, is_name: bool) -> Fault:
    name = path[-1]
    if is_name:
        return Fault(path, "a name here is not empty and holds no = sign", "correct the name")
    shown = "a value that is not shown here" if is_secret_name(name) else show(value)
    fix = "correct it" if isinstance(value, str) else "put it in quotes"
    return Fault(path, f"must be {words.must_be}; it is {shown}", fix)


def _unknown_key(model: type[BaseModel], path: KeyPath, key: str) -> Fault:
    known = list(model.model_fields)
    here = (*path, key)
    if close := suggest(key, known):
        return Fault(here, "unknown key", f"did you mean {close}?")
    for name, field in model.model_fields.items():
        table = table_of(field)
        if table is not None and key in table.model_fields:
            return Fault(here, "unknown key", f"it belongs in [{format_keys((*path, name))}]")
    return Fault(here, "unknown key", f"remove it; this table knows {', '.join(known)}")
