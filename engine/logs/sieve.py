"""Finding lines in blocks of bytes: plain text and expressions, at the speed of the C code under them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import accumulate, islice
from typing import Protocol

from engine.log_asking import LogFilter, LogLevel, LogPattern
from engine.log_levels import at_least
from engine.logs.clean import clean, clean_line
from engine.logs.needles import find_needles, stays_within_lines
from engine.logs.rows import Row

_PLAIN = bytes([*range(0x20, 0x7F), 0x09, 0x0A])
"""What is shown as it is."""
FEW_LINES = 8
RARE_BYTES = 1000
"""A needle that is in more lines than these few, and one for so many bytes, spares little: every line is tried then."""


class Matcher(Protocol):
    """Finds lines that match one wish."""

    def starts(self, data: bytes) -> list[int]:
        """Where the matching lines begin in a block of whole lines."""
        ...

    def passes(self, text: str) -> bool:
        """True when a line, as it is shown, matches."""
        ...


class TextMatcher:
    """A plain text, sought as bytes."""

    def __init__(self, pattern: LogPattern) -> None:
        self._folds = pattern.folds_case
        self._needle = (pattern.text.lower() if self._folds else pattern.text).encode()
        self._search = pattern.compiled().search

    def starts(self, data: bytes) -> list[int]:
        """Where the matching lines begin in a block of whole lines."""
        return list(_lines_with(self._needle, data.lower() if self._folds else data))

    def passes(self, text: str) -> bool:
        """True when the text is in the line."""
        return self._search(text) is not None


class ExpressionMatcher:
    """A regular expression, tried on each line as it is shown, or only on those that hold what it needs."""

    def __init__(self, expression: re.Pattern[str], *, anchored: bool = False) -> None:
        self._test = expression.match if anchored else expression.search
        self._folds = bool(expression.flags & re.IGNORECASE)
        self._needles = [self._encode(branch) for branch in find_needles(expression.pattern)]
        if not all(self._needles):
            self._needles = []
        self._search = expression.search if not anchored and stays_within_lines(expression.pattern) else None

    def _encode(self, branch: tuple[str, ...]) -> list[bytes]:
        """These needles as they stand in ASCII; without those that may stand for another letter there (ſ for s)."""
        if not self._folds:
            return [needle.encode() for needle in branch]
        return [needle.lower().encode() for needle in branch if needle.isascii()]

    def starts(self, data: bytes) -> list[int]:
        """Where the matching lines begin in a block of whole lines."""
        if self._needles and data.isascii():  # beyond ASCII other letters may fold into the needle's
            near = self._lines_near(data.lower() if self._folds else data)
            if near is not None:
                return [start for start in near if self._test(_shown_at(data, start))]
        if self._search is not None and data and _is_plain(data):
            return list(_lines_matched(self._search, data.removesuffix(b"\n").decode("ascii")))
        hits = [index for index, found in enumerate(map(self._test, shown_lines(data))) if found]
        if not hits:
            return []
        starts = list(accumulate((len(raw) + 1 for raw in data.split(b"\n")), initial=0))
        return [starts[index] for index in hits]

    def passes(self, text: str) -> bool:
        """True when the expression matches somewhere in the line."""
        return self._test(text) is not None

    def _lines_near(self, hay: bytes) -> list[int] | None:
        """Where the lines begin that hold what is needed; None when these are too many to be worth it."""
        most = FEW_LINES + len(hay) // RARE_BYTES
        near: set[int] = set()
        for branch in self._needles:
            for needle in branch:
                found = list(islice(_lines_with(needle, hay), most + 1))
                if len(found) <= most:
                    near.update(found)
                    break
            else:
                return None
        return sorted(near)


class Sieve:
    """Lets through what every matcher lets through."""

    def __init__(self, asked: LogFilter, search: LogPattern | None = None) -> None:
        """A gap passes a filter, which it may have torn; a search finds only lines.

        Raises:
            UsageError: a pattern is no regular expression.
        """
        self._passes_gaps = search is None
        self._first, *self._others = [*_matchers(search, None), *_matchers(asked.pattern, asked.least)]

    def starts(self, data: bytes) -> list[int]:
        """Where the lines that pass begin in a block of whole lines."""
        starts = self._first.starts(data)
        if not self._others:
            return starts
        return [start for start in starts if self._others_pass(_shown_at(data, start))]

    def passes(self, row: Row) -> bool:
        """True for a row to let through; of a very long line only what is shown counts here."""
        if row.dropped_bytes:
            return self._passes_gaps
        text = clean_line(row.raw)
        return self._first.passes(text) and self._others_pass(text)

    def _others_pass(self, text: str) -> bool:
        return all(one.passes(text) for one in self._others)


def shown_lines(data: bytes) -> list[str]:
    """The lines of a block as they are shown."""
    if not data:
        return []
    body = data.removesuffix(b"\n")
    if _is_plain(body):
        return body.decode("ascii").split("\n")
    return [clean(raw.removesuffix(b"\r")) for raw in body.split(b"\n")]


def _is_plain(data: bytes) -> bool:
    """True when all of it is shown as it is."""
    return not data.translate(None, _PLAIN)


def _shown_at(data: bytes, start: int) -> str:
    end = data.find(b"\n", start)
    return clean_line(data[start : end if end >= 0 else len(data)])


def _lines_with(needle: bytes, data: bytes) -> Iterator[int]:
    """Where the lines begin that hold `needle`, in their order."""
    at = data.find(needle)
    while at >= 0:
        yield data.rfind(b"\n", 0, at) + 1
        end = data.find(b"\n", at)
        if end < 0:
            return
        at = data.find(needle, end + 1)


def _lines_matched(search: Callable[[str, int], re.Match[str] | None], text: str) -> Iterator[int]:
    """Where the lines begin that an expression matches which stays within lines."""
    found = search(text, 0)
    while found is not None:
        at = found.start()
        yield text.rfind("\n", 0, at) + 1
        end = text.find("\n", at)
        if end < 0:
            return
        found = search(text, end + 1)


def _matchers(pattern: LogPattern | None, least: LogLevel | None) -> Iterator[Matcher]:
    if pattern is not None:
        is_plain = not pattern.is_regex and (pattern.text.isascii() or not pattern.folds_case)
        yield TextMatcher(pattern) if is_plain else ExpressionMatcher(pattern.compiled())
    if least is not None:
        yield ExpressionMatcher(at_least(least), anchored=True)
