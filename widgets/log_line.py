"""How one line of a log is drawn: its instance and stream, its level, what stands out in it, its gaps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from engine.log_asking import LogLevel
from engine.log_levels import LLAMA_PREFIX, level_of
from engine.snapshots import LogLine, Stream
from widgets.text import clean

_LEVEL_INKS = {
    LogLevel.DEBUG: "ink--quiet",
    LogLevel.INFO: "",
    LogLevel.WARNING: "ink--warn",
    LogLevel.ERROR: "ink--bad",
}
_LANDMARKS = (
    (re.compile(r"listening on http|server is listening|model loaded|init: model loaded"), "ink--good"),
    (re.compile(r"\b(?:prompt eval|eval|total) time ?=|print_timing|tokens per second"), "ink--figure"),
    (re.compile(r"loading model|load_model:|load_tensors:|llama_model_loader:|load_hparams|warming up"), "ink--busy"),
)
"""What an operator looks for among llama.cpp's lines of no special level: ready, timings of a slot, the load."""

STDOUT_MARK = "› "
STDERR_MARK = "  "
GAP_MARK = "┄ "
WRAP_MARK = "↳ "
"""Where the others stand: this row goes on with the line above. Each mark takes `MARK_CELLS`."""
MARK_CELLS = 2
HIGHLIGHT_CHARACTERS = 4096
"""How far into a line hits are drawn: no screen is wider."""


class Piece(NamedTuple):
    """A stretch of text and its ink (empty: the pane's own)."""

    text: str
    ink: str
    is_hit: bool = False


def pieces(line: LogLine, hits: re.Pattern[str] | None = None) -> list[Piece]:
    """The line from left to right, cleaned, with what `hits` finds in it marked; the first piece is its mark."""
    text = clean(line.text)
    if line.is_gap:
        return [Piece(GAP_MARK, "ink--warn"), Piece(text, "ink--warn")]
    mark = Piece(STDOUT_MARK if line.stream is Stream.STDOUT else STDERR_MARK, "ink--quiet")
    body = _body(text)
    return [mark, *body] if hits is None else [mark, *_marked(body, spans_of(text, hits))]


def _body(text: str) -> list[Piece]:
    level = level_of(text)
    prefix = LLAMA_PREFIX.match(text)
    ink = _LEVEL_INKS[level] if level is not None else ""
    if prefix is None:
        return [Piece(text, ink)]
    start = prefix.start(1)
    said = ink or next((one for landmark, one in _LANDMARKS if landmark.search(text)), "")
    return [Piece(text[:start], "ink--quiet"), Piece(text[start : start + 2], ink), Piece(text[start + 2 :], said)]


def spans_of(text: str, hits: re.Pattern[str]) -> list[tuple[int, int]]:
    """Where `hits` finds something in a text, as far as a screen may show it."""
    found = hits.finditer(text, 0, HIGHLIGHT_CHARACTERS)
    return [(one.start(), one.end()) for one in found if one.end() > one.start()]


def _marked(body: list[Piece], spans: list[tuple[int, int]]) -> Iterator[Piece]:
    """The same text, cut where hits begin and end."""
    at = 0
    for piece in body:
        end = at + len(piece.text)
        inside = {edge for span in spans for edge in span if at < edge < end}
        edges = sorted({at, end} | inside)
        for left, right in pairwise(edges):
            is_hit = any(start <= left and right <= stop for start, stop in spans)
            yield Piece(piece.text[left - at : right - at], piece.ink, is_hit)
        at = end


def cut_pieces(body: list[Piece], start: int, end: int | None) -> list[Piece]:
    """The pieces of the text from one index to another, None being its end."""
    cut, at = [], 0
    for piece in body:
        left, right = max(start - at, 0), len(piece.text) if end is None else min(end - at, len(piece.text))
        if left < right:
            cut.append(piece._replace(text=piece.text[left:right]))
        at += len(piece.text)
    return cut
