"""What can be said of a regular expression's matches by looking at it: it spares most lines the expression itself."""

from __future__ import annotations

import re

MOST_NEEDLES = 3
"""For each alternative: looking which one is rare costs time, too."""
_TURNS = frozenset("dDwWsSbBAZntrfva")
"""Letters after a backslash that stand for one place in the text and end a run of plain characters."""
_COUNT = re.compile(r"\{\d*,?\d*\}")
_OPEN_GROUP = re.compile(r"\((?:\?:|\?P<\w+>|(?!\?))")
_WITHIN_LINES = re.compile(r"(?:\\[dwSb]|\\[^a-zA-Z0-9\x00-\x1f]|[^\\^$(\x00-\x1f]|\((?!\?)|\(\?:)*")
"""What cannot match a line's end, or ask whether one is near. Negated classes may, and are left out with all `^`;
so may a range that begins with a tab."""


class _UnreadableError(Exception):
    """The expression uses what this reader leaves to the real one."""


def find_needles(source: str) -> tuple[tuple[str, ...], ...]:
    """For each alternative of `source` plain texts that every match of it contains; empty when nothing can be said.

    Longest first. Only what stands outside of groups and classes counts: that is enough for what people type.
    """
    try:
        branches = [_choose(runs) for runs in _branches(source)]
    except _UnreadableError:
        return ()
    return tuple(branches) if all(branches) else ()


def stays_within_lines(source: str) -> bool:
    """True when a match of `source` in a text of many lines is a match in one of them, and the other way round."""
    return _WITHIN_LINES.fullmatch(source) is not None


def _choose(runs: list[str]) -> tuple[str, ...]:
    return tuple(sorted(filter(None, dict.fromkeys(runs)), key=len, reverse=True)[:MOST_NEEDLES])


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
