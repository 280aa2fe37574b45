"""Lines of one stream, forward and backward from any place, read in blocks so that no file's size matters."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from engine.logs.clean import DISPLAY_LIMIT_BYTES, clean_line
from engine.logs.pieces import UNTIMED, Chain
from engine.logs.stamps import Mark
from engine.snapshots import LogLine, Stream

BLOCK_BYTES = 64 * 1024
FIRST_BLOCK_BYTES = 16 * 1024
"""Enough for a screen: most reads from the end want no more."""
EDGE_BYTES = 4096
"""Enough to find a line's end in most logs, where only that is wanted of a block."""

Place = tuple[int, int]
"""A position, and 0 for the gap before the byte there or 1 for the line that starts there."""

Order = tuple[float, int]
"""A time, and the rank of a stream."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line, or one gap, before it is made fit to be shown."""

    stream: Stream
    start: int
    end: int
    """Position after the newline."""
    ts: float | None
    raw: bytes = b""
    """At most `DISPLAY_LIMIT_BYTES` of the line; empty for a gap."""
    dropped_bytes: int = 0
    """Not 0 for a gap."""
    is_open: bool = False
    """True for a line that may still grow."""
    rank: int = 0
    """Which of the merged streams it is of."""
    name: str = ""
    """The instance, in a log that merges several."""

    @property
    def place(self) -> Place:
        """Where a window that starts with this row begins."""
        return (self.start, 0 if self.dropped_bytes else 1)

    @property
    def after(self) -> Place:
        """Where a window that starts behind this row begins."""
        return (self.end, 1 if self.dropped_bytes else 0)

    @property
    def order(self) -> Order:
        """Sorts rows of several streams: by time of reading, ties stdout first, what has no time before the rest."""
        return (self.ts or 0.0, self.rank)


def to_line(row: Row, oldest: int) -> LogLine:
    """The row as it may be shown; `oldest` is the position of the stream's oldest kept byte."""
    offset = row.start - oldest
    if row.dropped_bytes:
        text = f"… {row.dropped_bytes:,} bytes are missing here: they could not be written"
        return LogLine(text, row.stream, row.ts, offset, is_gap=True, name=row.name)
    text = clean_line(row.raw, row.end - row.start - len(row.raw))
    return LogLine(text, row.stream, row.ts, offset, name=row.name)


class StreamLog:
    """The kept lines of one stream. Used by one thread; methods raise OSError when files cannot be read."""

    def __init__(self, directory: Path, stream: Stream, rank: int = 0, name: str = "") -> None:
        self.stream = stream
        self.rank = rank
        self.name = name
        self.chain = Chain(directory, stream.value)

    def first(self) -> Place:
        """Where the oldest row is."""
        return (self.chain.start, 0)

    def last(self) -> Place:
        """Behind the newest row."""
        return (self.chain.end, 1)

    def since(self, ts: float) -> Place:
        """Where the first line begins of which the first byte was read at `ts` (seconds since the epoch) or later."""
        return (self._line_from(self.chain.position_since(ts)), 0)

    def read_raw(self, row: Row) -> Iterator[bytes]:
        """The bytes of a row as the server wrote them, in pieces of bounded size; none for a gap."""
        if len(row.raw) == row.end - row.start:
            yield row.raw
            return
        position = row.start
        while position < row.end and (data := self.chain.read(position, min(BLOCK_BYTES, row.end - position))):
            yield data
            position += len(data)

    def forward(self, place: Place) -> Iterator[Row]:
        """The rows from `place` on, oldest first, to the end as it was at the last refresh."""
        start = max(place[0], self.chain.start)
        end = self.chain.end
        while start <= end:
            stop = self.block_end(start, end)
            upper = (end, 2) if stop == end else (stop, 0)
            yield from self.rows(start, stop, max(place, (start, 0)), upper)
            if stop == end:
                return
            start = stop

    def backward(self, place: Place) -> Iterator[Row]:
        """The rows before `place`, newest first."""
        upper = min(place, self.last())
        size = FIRST_BLOCK_BYTES
        while upper > self.first():
            start = self.block_start(upper[0], size)
            yield from reversed(self.rows(start, upper[0], (start, 0), upper))
            upper = (start, 0)
            size = BLOCK_BYTES

    def count_newlines(self, start: int, end: int) -> int:
        """How many lines end between two positions."""
        count = 0
        while start < end and (data := self.chain.read(start, min(BLOCK_BYTES, end - start))):
            count += data.count(b"\n")
            start += len(data)
        return count

    def closed_end(self) -> int:
        """Where the last line that can grow no more ends."""
        newest = next(self.backward(self.last()), None)
        return newest.start if newest is not None and newest.is_open else self.chain.end

    def order_at(self, position: int) -> Order:
        """What a row that starts at `position` is sorted by."""
        return (_Clock(self.chain.marks(position, position)).at(position) or 0.0, self.rank)

    def place_at(self, order: Order) -> Place:
        """Where the rows begin that are sorted at `order` or behind it."""
        low, high = self.chain.start, self.chain.end
        while low < high:
            middle = (low + high) // 2
            if self.order_at(middle) < order:
                low = middle + 1
            else:
                high = middle
        return (self._line_from(low), 0)

    def block_end(self, start: int, end: int, size: int = BLOCK_BYTES) -> int:
        """A line's end after `start`: the last one within `size` bytes, or else the next one there is."""
        data = self.chain.read(start, size)
        if start + len(data) >= end:
            return end
        newline = data.rfind(b"\n")
        return start + newline + 1 if newline >= 0 else min(self._line_end(start + len(data)), end)

    def _line_end(self, position: int) -> int:
        """The first line's end after `position`, or else the log's."""
        while data := self.chain.read(position, BLOCK_BYTES):
            newline = data.find(b"\n")
            if newline >= 0:
                return position + newline + 1
            position += len(data)
        return self.chain.end

    def block_start(self, end: int, size: int) -> int:
        """A line's start before `end`: the first one within `size` bytes, or else the next one before."""
        begin = max(end - size, self.chain.start)
        if begin == self.chain.start:
            return begin
        for count in (min(EDGE_BYTES, end - begin), end - begin):
            newline = self.chain.read(begin, count).find(b"\n", 0, end - 1 - begin)  # the last one starts no line
            if newline >= 0:
                return begin + newline + 1
        while begin > self.chain.start:
            stop, begin = begin, max(begin - size, self.chain.start)
            newline = self.chain.read(begin, stop - begin).rfind(b"\n")
            if newline >= 0:
                return begin + newline + 1
        return self.chain.start

    def rows(self, start: int, end: int, lower: Place, upper: Place) -> list[Row]:
        """The rows from `lower` to below `upper` of a block of whole lines, or of one long line."""
        marks = self.chain.marks(start, end)
        is_long = end - start > BLOCK_BYTES
        data = b"" if is_long else self.chain.read(start, end - start)
        cuts = {start, end, *(mark.offset for mark in marks if mark.ends_line and start < mark.offset < end)}
        newline = data.find(b"\n")
        while newline >= 0:
            cuts.add(start + newline + 1)
            newline = data.find(b"\n", newline + 1)
        clock = _Clock(marks)
        edges = sorted(cuts)
        rows = self._gaps(marks, clock)
        for begin, stop in pairwise(edges):
            raw = self.chain.read(begin, min(stop - begin, DISPLAY_LIMIT_BYTES)) if is_long else b""
            raw = raw or data[begin - start : stop - start]
            is_open = self._is_open(stop, marks)
            rows.append(Row(self.stream, begin, stop, clock.at(begin), raw, 0, is_open, self.rank, self.name))
        rows.sort(key=_get_place)
        return [row for row in rows if lower <= row.place < upper]

    def _is_open(self, end: int, marks: list[Mark]) -> bool:
        """True when a line that ends at `end` has neither a newline there nor a mark that cuts it off."""
        if end < self.chain.end or any(mark.ends_line and mark.offset == end for mark in marks):
            return False
        return self.chain.read(end - 1, 1) != b"\n"

    def _gaps(self, marks: list[Mark], clock: _Clock) -> list[Row]:
        """One row for each place with dropped bytes."""
        totals: dict[int, int] = {}
        for mark in marks:
            if mark.is_gap:
                totals[mark.offset] = totals.get(mark.offset, 0) + mark.value
        return [
            Row(self.stream, at, at, clock.at(at), b"", total, rank=self.rank, name=self.name)
            for at, total in totals.items()
        ]

    def _line_from(self, position: int) -> int:
        """The start of the first line that starts at `position` or behind it."""
        if position <= self.chain.start or self.chain.read(position - 1, 1) == b"\n":
            return max(position, self.chain.start)
        if any(mark.ends_line and mark.offset == position for mark in self.chain.marks(position, position)):
            return position
        return next((row.start for row in self.forward((position, 1)) if row.start > position), self.chain.end)


class _Clock:
    """Times of the positions of one block."""

    def __init__(self, marks: list[Mark]) -> None:
        timed = [mark for mark in marks if not mark.is_gap]
        self._offsets = [mark.offset for mark in timed]
        self._values = [mark.value for mark in timed]

    def at(self, position: int) -> float | None:
        """When the byte at `position` was read; None when no record says so."""
        found = bisect_right(self._offsets, position) - 1
        return self._values[found] / 1e6 if found >= 0 and self._values[found] != UNTIMED else None


def _get_place(row: Row) -> Place:
    return row.place
