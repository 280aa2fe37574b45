"""Paths of the file made whole: `~`, variables, and what is relative to the file's folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from engine.config.faults import Fault, marks_of, table_of
from engine.config.fields import Expand
from engine.config.lines import KeyPath

_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What paths of a configuration file refer to."""

    folder: Path
    """The file's folder, absolute."""
    environ: Mapping[str, str]


class ExpansionError(Exception):
    """A path that cannot be made whole; the message says why."""


def expand_path(text: str, around: Surroundings) -> str:
    """`text` as an absolute path; ``$$`` stands for a dollar sign.

    Raises:
        ExpansionError: a variable is not set, or there is no such user's home.
    """
    return str(around.folder / _expand_home(_expand_variables(text, around.environ), around.environ))


def expand_program(text: str, around: Surroundings) -> str:
    """A program: a path made absolute when it has a separator, else the name as it is.

    Raises:
        ExpansionError: as for `expand_path`.
    """
    full = _expand_home(_expand_variables(text, around.environ), around.environ)
    return str(around.folder / full) if has_separator(full) else full


def has_separator(program: str) -> bool:
    """Whether `program` is a path rather than a name to look up on PATH."""
    return os.sep in program or (os.altsep is not None and os.altsep in program)


def expand_table(
    model: type[BaseModel], raw: Mapping[str, object], path: KeyPath, around: Surroundings
) -> tuple[dict[str, object], tuple[Fault, ...]]:
    """A copy of `raw` with every path of `model` made whole, and the faults of those that cannot be."""
    table = dict(raw)
    faults: list[Fault] = []
    for key, field in model.model_fields.items():
        value = table.get(key)
        inner = table_of(field)
        if inner is not None and isinstance(value, dict):
            table[key], below = expand_table(inner, value, (*path, key), around)
            faults += below
            continue
        mark = next((mark for mark in marks_of(field) if isinstance(mark, Expand)), None)
        if mark is None or not value:
            continue
        try:
            table[key] = _expand_value(mark, value, around)
        except ExpansionError as error:
            faults.append(Fault((*path, key), str(error), "set it, or write the path in full"))
    return table, tuple(faults)


def _expand_value(mark: Expand, value: object, around: Surroundings) -> object:
    """The value with its path made whole; a value of a wrong type is left for the schema to refuse."""
    match mark, value:
        case Expand.PATH, str():
            return expand_path(value, around)
        case Expand.PROGRAM, str():
            return expand_program(value, around)
        case Expand.PROGRAM_ARGV, [str() as program, *rest]:
            return [expand_program(program, around), *rest]
        case Expand.PATHS, list():
            return [expand_path(one, around) if isinstance(one, str) and one else one for one in value]
        case _:
            return value


def _expand_variables(text: str, environ: Mapping[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        name = match["plain"] or match["braced"]
        if name not in environ:
            raise ExpansionError(f"the environment variable {name} is not set")
        return environ[name]

    return _VARIABLE.sub(replace, text)


def _expand_home(text: str, environ: Mapping[str, str]) -> str:
    if not text.startswith("~"):
        return text
    home = environ.get("USERPROFILE" if os.name == "nt" else "HOME", "")
    if home and (text == "~" or has_separator(text[:2])):
        return home + text[1:]
    full = os.path.expanduser(text)  # noqa: PTH111 - leaves an unknown user's path as it is, to be named below
    if full.startswith("~"):
        raise ExpansionError(f"there is no home folder for {full.partition('/')[0]}")
    return full
