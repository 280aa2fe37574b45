"""Reading the index of one log file: when its bytes were read, where lines are cut off and bytes are missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from engine.logs.index import BREAK, GAP, HEADER, KIND_SHIFT, OFFSET_MASK, PIECE, RECORD

_RECORDS_PER_READ = 512
_FIRST_READ = 8
"""Records read before it is known that more are wanted: most questions are about one moment."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One record of an index."""

    kind: int
    offset: int
    value: int

    @property
    def is_gap(self) -> bool:
        """True when `value` bytes are missing before `offset`."""
        return self.kind == GAP

    @property
    def ends_line(self) -> bool:
        """True when the line before `offset` ends there, newline or not."""
        return self.kind in {GAP, BREAK}


class Stamps:
    """The records of one index file, found by bisection, so that its size does not matter. Owns the descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def between(self, start: int, end: int) -> list[Mark]:
        """The records with ``start <= offset <= end``, after the last one before them that tells a time."""
        count = self._count()
        first = self._find(start, count) - 1
        while first > 0 and self._read(first, 1)[0].is_gap:
            first -= 1
        marks = []
        for mark in self._from(max(first, 0), count):
            if mark.offset > end:
                break
            if mark.offset >= start or not mark.is_gap:
                marks.append(mark)
        return marks

    def has_cuts(self, start: int, end: int) -> bool:
        """True when a record with ``start <= offset <= end`` ends a line; reads the records, but makes no marks."""
        count = self._count()
        first, behind = self._find(start, count), self._find(end + 1, count)
        while first < behind:
            records = self._read_bytes(first, min(_RECORDS_PER_READ, behind - first))
            kinds = bytes(records)[KIND_SHIFT // 8 :: RECORD.size]
            if not kinds:
                return False
            if kinds.count(PIECE) != len(kinds):
                return True
            first += len(kinds)
        return False

    def first_since(self, ts: float) -> int | None:
        """The offset of the first byte that was read at `ts` or later; None when there is none."""
        wanted = int(ts * 1e6)
        low, high = 0, self._count()
        while low < high:
            middle = (low + high) // 2
            timed = next((mark for mark in self._from(middle, high) if not mark.is_gap), None)
            if timed is not None and timed.value < wanted:
                low = middle + 1
            else:
                high = middle
        timed = next((mark for mark in self._from(low, self._count()) if not mark.is_gap), None)
        return timed.offset if timed is not None else None

    def is_empty(self) -> bool:
        """True when the index has no record."""
        return self._count() == 0

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)

    def _count(self) -> int:
        return max(os.fstat(self._fd).st_size - HEADER.size, 0) // RECORD.size

    def _from(self, number: int, end: int) -> Iterator[Mark]:
        size = _FIRST_READ
        while number < end:
            marks = self._read(number, min(size, end - number))
            if not marks:
                return
            yield from marks
            number += len(marks)
            size = _RECORDS_PER_READ

    def _find(self, offset: int, count: int) -> int:
        """Number of the first of `count` records at `offset` or behind it."""
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            word, _ = RECORD.unpack(self._read_bytes(middle, 1))
            if word & OFFSET_MASK < offset:
                low = middle + 1
            else:
                high = middle
        return low

    def _read(self, number: int, count: int) -> list[Mark]:
        data = self._read_bytes(number, count)
        return [Mark(word >> KIND_SHIFT, word & OFFSET_MASK, value) for word, value in RECORD.iter_unpack(data)]

    def _read_bytes(self, number: int, count: int) -> memoryview:
        """The whole records that there are of `count`."""
        os.lseek(self._fd, HEADER.size + number * RECORD.size, os.SEEK_SET)
        data = os.read(self._fd, count * RECORD.size)
        return memoryview(data)[: len(data) - len(data) % RECORD.size]
