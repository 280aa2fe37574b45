"""The names that old instances get here: their own wherever our rule allows it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.config.names import find_name_fault

LONGEST = 63
_FORBIDDEN = re.compile(r"[^A-Za-z0-9._-]+")
_FALLBACK = "instance"


def make_name(old: str) -> str:
    """`old` itself when our rule allows it, else the nearest name that it does allow."""
    if not find_name_fault(old):
        return old
    name = _FORBIDDEN.sub("-", old).lstrip("._-").rstrip("-")[:LONGEST] or _FALLBACK
    return name if not find_name_fault(name) else f"{_FALLBACK}-{name}"[:LONGEST]


def assign_names(olds: Iterable[str]) -> dict[str, str]:
    """A name for each old one, no two alike without case; whoever may keep its own comes first.

    The outcome depends on the old names alone, so a second import finds what the first has made.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for old in sorted(dict.fromkeys(olds), key=lambda old: (make_name(old) != old, old)):
        name = _make_unique(make_name(old), taken)
        taken.add(name.lower())
        names[old] = name
    return names


def _make_unique(name: str, taken: set[str]) -> str:
    unique, number = name, 1
    while unique.lower() in taken:
        number += 1
        ending = f"-{number}"
        unique = f"{name[: LONGEST - len(ending)]}{ending}"
    return unique
