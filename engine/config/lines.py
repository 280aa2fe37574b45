"""On which line each key of a TOML text stands: a small scanner, for messages."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

KeyPath = tuple[str, ...]

_MAX_NESTING = 32
"""Inline tables deeper than this are passed over: no key of ours lies there."""

_BLANK = re.compile(r"[ \t]*")
_EMPTY = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_REST_OF_LINE = re.compile(r"[^\n]*\n?")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]*")
# Quotes that are never closed run to the end of their line, or of the text for the long forms.
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*(?:"{3,5}|\Z)'
    r"|'''(?:[^']|'{1,2}(?!'))*(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]|\\[^\n])*"?'
    r"|'[^'\n]*'?",
    re.DOTALL,
)


def find_lines(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of the first mention of every table and key of `text`; never fails, whatever the text."""
    scanner = _Scanner(text)
    scanner.scan()
    return scanner.lines


def find_headers(text: str) -> tuple[tuple[int, KeyPath], ...]:
    """The line, from 1, and the table of every header of `text`, in their order; never fails, whatever the text."""
    scanner = _Scanner(text)
    scanner.scan()
    return tuple(scanner.headers)


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """The line of `path`, or of the nearest table around it; None for the file as a whole."""
    for length in range(len(path), 0, -1):
        if (line := lines.get(path[:length])) is not None:
            return line
    return None


class _Scanner:
    """One pass over the text; what it does not understand it skips to the end of the line."""

    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.headers: list[tuple[int, KeyPath]] = []
        self._text = text
        self._pos = 0
        self._line = 1
        self._counted = 0

    def scan(self) -> None:
        table: KeyPath = ()
        while self._skip(_EMPTY) < len(self._text):
            if self._peek("["):
                table = self._header()
            else:
                self._assignment(table, 0)
            self._skip(_REST_OF_LINE)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        if found := pattern.match(self._text, self._pos):
            self._pos = found.end()
        return self._pos

    def _peek(self, text: str) -> bool:
        return self._text.startswith(text, self._pos)

    def _take(self, text: str) -> bool:
        if self._peek(text):
            self._pos += len(text)
            return True
        return False

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._pos)
        self._counted = self._pos
        return self._line

    def _note(self, table: KeyPath, key: KeyPath, line: int) -> None:
        for length in range(len(table) + 1, len(table) + len(key) + 1):
            self.lines.setdefault((*table, *key)[:length], line)

    def _header(self) -> KeyPath:
        line = self._line_here()
        self._pos += 2 if self._peek("[[") else 1
        table = self._key()
        self._note((), table, line)
        self.headers.append((line, table))
        return table

    def _assignment(self, table: KeyPath, depth: int) -> None:
        line = self._line_here()
        key = self._key()
        if key and self._take("="):
            self._note(table, key, line)
            self._value((*table, *key), depth)

    def _key(self) -> KeyPath:
        """A dotted key at this place; empty when there is none."""
        parts: list[str] = []
        while True:
            self._skip(_BLANK)
            part = self._key_part()
            if part is None:
                return ()
            parts.append(part)
            self._skip(_BLANK)
            if not self._take("."):
                return tuple(parts)

    def _key_part(self) -> str | None:
        start = self._pos
        if self._peek('"') or self._peek("'"):
            self._skip(_STRING)
            try:
                return str(tomllib.loads(f"key = {self._text[start : self._pos]}")["key"])
            except tomllib.TOMLDecodeError:
                return None
        self._skip(_BARE_KEY)
        return self._text[start : self._pos] or None

    def _value(self, path: KeyPath, depth: int) -> None:
        self._skip(_BLANK)
        if self._peek("{") and depth < _MAX_NESTING:
            self._inline_table(path, depth + 1)
        elif self._peek("[") or self._peek("{"):
            self._nested()
        elif self._peek('"') or self._peek("'"):
            self._skip(_STRING)
        else:
            self._skip(_SCALAR)

    def _inline_table(self, path: KeyPath, depth: int) -> None:
        self._pos += 1
        while self._skip(_EMPTY) < len(self._text) and not self._take("}"):
            before = self._pos
            self._assignment(path, depth)
            self._skip(_EMPTY)
            self._take(",")
            if self._pos == before:  # nothing understood here: leave the rest to the caller
                return

    def _nested(self) -> None:
        """Pass over an array, or a table nested too deep, without recursion: it may be as deep as it likes."""
        open_brackets = 0
        while self._skip(_EMPTY) < len(self._text):
            if self._peek('"') or self._peek("'"):
                self._skip(_STRING)
                continue
            sign = self._text[self._pos]
            self._pos += 1
            open_brackets += {"[": 1, "{": 1, "]": -1, "}": -1}.get(sign, 0)
            if open_brackets == 0:
                return
