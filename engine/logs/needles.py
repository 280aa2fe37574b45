"""What every match of a regular expression must contain: found by plain search, it spares most lines the expression."""

from __future__ import annotations

import re

LEAST_CHARACTERS = 2
"""Shorter ones are in too many lines to spare any."""

_TURNS = frozenset("dDwWsSbBAZntrfva")
"""Letters after a backslash that stand for one place in the text and end a run of plain characters."""
_COUNT = re.compile(r"\{\d*,?\d*\}")
_OPEN_GROUP = re.compile(r"\((?:\?:|\?P<\w+>|(?!\?))")


class _UnreadableError(Exception):
    """The expression uses what this reader leaves to the real one."""


def find_needles(source: str) -> tuple[str, ...]:
    """Plain texts of which every match of `source` contains at least one; empty when nothing can be said.

    Only what stands outside of groups and classes counts: that is enough for what people type.
    """
    try:
        branches = [_longest(branch) for branch in _branches(source)]
    except _UnreadableError:
        return ()
    return tuple(branches) if all(len(needle) >= LEAST_CHARACTERS for needle in branches) else ()


def _longest(runs: list[str]) -> str:
    return max(runs, key=len, default="")


def _branches(source: str) -> list[list[str]]:
    """For each alternative on the top level, its runs of plain characters."""
    branches: list[list[str]] = [[""]]
    at = 0
    while at < len(source):
        runs = branches[-1]
        letter = source[at]
        if letter == "|":
            branches.append([""])
        elif letter in "?*":
            runs[-1] = runs[-1][:-1]
            runs.append("")
        elif letter == "{":
            if count := _COUNT.match(source, at):
                at = count.end() - 1
            runs[-1] = runs[-1][:-1]
            runs.append("")
        elif letter in "+.^$":
            runs.append("")
        elif letter in "([":
            at = (_skip_group if letter == "(" else _skip_class)(source, at) - 1
            runs.append("")
        elif letter == ")":
            raise _UnreadableError
        elif letter == "\\":
            at += 1
            runs += _escape(source[at : at + 1], runs)
        else:
            runs[-1] += letter
        at += 1
    return branches


def _escape(letter: str, runs: list[str]) -> list[str]:
    """What an escape adds to `runs`: a plain character to the last, or the beginning of the next."""
    if letter in _TURNS:
        return [""]
    if not letter or letter.isalnum():
        raise _UnreadableError
    runs[-1] += letter
    return []


def _skip_class(source: str, at: int) -> int:
    """Behind the class that opens at `at`."""
    at += 1
    at += source.startswith("^", at)
    at += source.startswith("]", at)
    while at < len(source) and source[at] != "]":
        at += 2 if source[at] == "\\" else 1
    return at + 1


def _skip_group(source: str, at: int) -> int:
    """Behind the group that opens at `at`."""
    depth = 0
    while at < len(source):
        letter = source[at]
        if letter == "\\":
            at += 1
        elif letter == "[":
            at = _skip_class(source, at) - 1
        elif letter == "(":
            if not _OPEN_GROUP.match(source, at):
                raise _UnreadableError
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    raise _UnreadableError
