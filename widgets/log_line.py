"""How one line of a log is drawn: its stream, llama.cpp's own level, its gaps."""

from __future__ import annotations

import re
from typing import NamedTuple

from engine.snapshots import LogLine, Stream
from widgets.text import clean

_LLAMA_PREFIX = re.compile(r"\d+\.\d\d\.\d{3}\.\d{3} ([DIWE]) ")
"""llama.cpp's time since start, then one letter for the level."""

_LEVEL_INKS = {"D": "ink--quiet", "I": "", "W": "ink--warn", "E": "ink--bad"}

STDOUT_MARK = "› "
STDERR_MARK = "  "
GAP_MARK = "┄ "


class Piece(NamedTuple):
    """A stretch of text and its ink (empty: the pane's own)."""

    text: str
    ink: str


def pieces(line: LogLine) -> list[Piece]:
    """The line from left to right, cleaned."""
    text = clean(line.text)
    if line.is_gap:
        return [Piece(f"{GAP_MARK}{text}", "ink--warn")]
    mark = Piece(STDOUT_MARK if line.stream is Stream.STDOUT else STDERR_MARK, "ink--quiet")
    prefix = _LLAMA_PREFIX.match(text)
    if prefix is None:
        return [mark, Piece(text, "")]
    level = _LEVEL_INKS[prefix.group(1)]
    start = prefix.start(1)
    return [
        mark,
        Piece(text[:start], "ink--quiet"),
        Piece(text[start : start + 2], level),
        Piece(text[start + 2 :], level),
    ]
