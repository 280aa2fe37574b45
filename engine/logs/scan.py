"""Going through a log row by row, or only through what passes a sieve; in steps, so that a caller can stop at any."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from engine.logs.clean import DISPLAY_LIMIT_BYTES
from engine.logs.reader import MergedLog, Places
from engine.logs.rows import Order, Place, Row, StreamLog
from engine.logs.sieve import Sieve

SCAN_BYTES = 256 * 1024
"""One step: about a millisecond, so that other threads are not kept waiting."""
OVERLAP_BYTES = 4096
"""A match in a line of more than one step may be this long where two steps meet."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """One stream has been looked at up to here, and nothing more passed."""

    rank: int
    place: Place
    order: Order


Step = Row | Scanned


def scan_on(log: MergedLog, places: Places, sieve: Sieve | None) -> Iterator[Step]:
    """The rows from `places` on that pass, oldest first, and how far each stream has been looked at between them."""
    if sieve is None:
        return log.forward(places)
    steps = (_stream_on(one, place, sieve) for one, place in zip(log.streams, places, strict=True))
    return heapq.merge(*steps, key=_get_order)


def scan_back(log: MergedLog, places: Places, sieve: Sieve | None) -> Iterator[Step]:
    """The rows before `places` that pass, newest first, and how far each stream has been looked at between them."""
    if sieve is None:
        return log.backward(places)
    steps = (_stream_back(one, place, sieve) for one, place in zip(log.streams, places, strict=True))
    return heapq.merge(*steps, key=_get_order, reverse=True)


def count_rows(log: StreamLog, start: int, stop: int, sieve: Sieve) -> int:
    """How many lines of a block of whole lines, or of one long line, pass."""
    if log.chain.has_cuts(start, stop):
        return sum(1 for row in _rows(log, (start, 0), (stop, 0)) if _passes(log, row, sieve))
    if stop - start > SCAN_BYTES:
        return int(_long_line_passes(log, start, stop, sieve))
    return len(sieve.starts(log.chain.read(start, stop - start)))


def count_between(log: StreamLog, start: int, end: int, sieve: Sieve | None) -> int:
    """How many finished lines that pass there are from one line's start to another's."""
    if sieve is None:
        return log.count_newlines(start, end)
    count = 0
    while start < end:
        stop = log.block_end(start, end, SCAN_BYTES)
        count += count_rows(log, start, stop, sieve)
        start = stop
    return count


def _stream_on(log: StreamLog, place: Place, sieve: Sieve) -> Iterator[Step]:
    start, end = max(place[0], log.chain.start), log.chain.end
    while start <= end:
        stop = log.block_end(start, end, SCAN_BYTES)
        upper = (end, 2) if stop == end else (stop, 0)
        yield from _pick(log, max(place, (start, 0)), upper, sieve)
        if stop == end:  # an unfinished line is looked at again when it has grown
            yield Scanned(log.rank, (log.closed_end(), 0), log.order_at(end))
            return
        yield Scanned(log.rank, (stop, 0), log.order_at(stop))
        start = stop


def _stream_back(log: StreamLog, place: Place, sieve: Sieve) -> Iterator[Step]:
    upper = min(place, log.last())
    while upper > log.first():
        start = log.block_start(upper[0], SCAN_BYTES)
        yield from reversed(_pick(log, (start, 0), upper, sieve))
        yield Scanned(log.rank, (start, 0), log.order_at(start))
        upper = (start, 0)


def _pick(log: StreamLog, lower: Place, upper: Place, sieve: Sieve) -> list[Row]:
    """The rows from `lower` to below `upper` that pass."""
    start, stop = lower[0], upper[0]
    if stop - start <= SCAN_BYTES and not log.chain.has_cuts(start, stop):
        starts = {start + offset for offset in sieve.starts(log.chain.read(start, stop - start))}
        return [row for row in _rows(log, lower, upper) if row.start in starts] if starts else []
    return [row for row in _rows(log, lower, upper) if _passes(log, row, sieve)]


def _rows(log: StreamLog, lower: Place, upper: Place) -> Iterator[Row]:
    return takewhile(lambda row: row.place < upper, log.forward(lower))


def _passes(log: StreamLog, row: Row, sieve: Sieve) -> bool:
    if row.end - row.start > DISPLAY_LIMIT_BYTES:
        return _long_line_passes(log, row.start, row.end, sieve)
    return sieve.passes(row)


def _long_line_passes(log: StreamLog, start: int, stop: int, sieve: Sieve) -> bool:
    """Whether a line passes that is too long to be shown whole: looked at in parts that overlap."""
    return any(
        sieve.starts(log.chain.read(at, min(SCAN_BYTES + OVERLAP_BYTES, stop - at)))
        for at in range(start, stop, SCAN_BYTES)
    )


def _get_order(step: Step) -> Order:
    return step.order
