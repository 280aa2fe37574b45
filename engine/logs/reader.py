"""Reading logs across rotated files: both streams merged by time of reading, from the end or since a moment.

Files of another origin (no index) are read too; their lines have no time and come before those that have one.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.errors import LogError
from engine.logs.rows import Order, Place, Row, StreamLog, to_line
from engine.snapshots import LogLine, Stream

Places = tuple[Place, ...]
"""A place in every stream of a log, in the order of its streams."""


class MergedLog:
    """The logs of one instance or several, one stream or both, as one.

    Used by one thread; raises OSError when files cannot be read.
    """

    def __init__(self, folders: Path | Mapping[str, Path], stream: Stream = Stream.BOTH) -> None:
        """`folders` is one log folder, or those of several instances by name, whose lines then carry it."""
        by_name = folders if isinstance(folders, Mapping) else {"": folders}
        streams = (Stream.STDOUT, Stream.STDERR) if stream is Stream.BOTH else (stream,)
        wanted = [(folder, one, name) for name, folder in by_name.items() for one in streams]
        self.streams = tuple(StreamLog(folder, one, rank, name) for rank, (folder, one, name) in enumerate(wanted))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def refresh(self, keep_from: Places | None = None) -> bool:
        """Take notice of growth and rotation; True when anything changed.

        Args:
            keep_from: What was deleted stays readable from these places on; without them it goes.
        """
        positions = [None] * len(self.streams) if keep_from is None else [place[0] for place in keep_from]
        changes = [log.chain.refresh(position) for log, position in zip(self.streams, positions, strict=True)]
        return any(changes)

    def size_bytes(self) -> int:
        """All kept bytes."""
        return sum(log.chain.end - log.chain.start for log in self.streams)

    def exists(self) -> bool:
        """True when there is a file to read."""
        return any(log.chain.exists() for log in self.streams)

    def first(self) -> Places:
        """Where the oldest rows are."""
        return tuple(log.first() for log in self.streams)

    def last(self) -> Places:
        """Behind the newest rows."""
        return tuple(log.last() for log in self.streams)

    def since(self, ts: float) -> Places:
        """Where the rows read at `ts` (seconds since the epoch) or later begin."""
        return tuple(log.since(ts) for log in self.streams)

    def places_at(self, order: Order) -> Places:
        """Where the rows begin that are sorted at `order` or behind it."""
        return tuple(log.place_at(order) for log in self.streams)

    def forward(self, places: Places) -> Iterator[Row]:
        """The rows from `places` on, oldest first."""
        return heapq.merge(*(log.forward(place) for log, place in self._pairs(places)), key=_get_order)

    def backward(self, places: Places, down_to: Places | None = None) -> Iterator[Row]:
        """The rows before `places`, newest first, none of them before `down_to`."""
        lowest = down_to or self.first()
        rows = (
            takewhile(lambda row: row.place >= lowest[row.rank], log.backward(place))
            for log, place in self._pairs(places)
        )
        return heapq.merge(*rows, key=_get_order, reverse=True)

    def to_lines(self, rows: list[Row]) -> tuple[LogLine, ...]:
        """Rows as they may be shown."""
        oldest = [log.chain.start for log in self.streams]
        return tuple(to_line(row, oldest[row.rank]) for row in rows)

    def read_raw(self, row: Row) -> Iterator[bytes]:
        """The bytes of a row as the server wrote them, in pieces of bounded size; none for a gap."""
        for log in self.streams:
            if log.rank == row.rank:
                yield from log.read_raw(row)

    def step_back(self, places: Places, rows: list[Row]) -> Places:
        """Where a window begins that holds `rows` (any order), which lie before `places`, on its top."""
        return tuple(
            min((row.place for row in rows if row.rank == log.rank), default=place)
            for log, place in self._pairs(places)
        )

    def step_on(self, places: Places, rows: list[Row]) -> Places:
        """Where what follows `rows`, which begin at `places`, begins."""
        return tuple(
            max((row.after for row in rows if row.rank == log.rank), default=place)
            for log, place in self._pairs(places)
        )

    def close(self) -> None:
        """Let go of every file. Idempotent."""
        for log in self.streams:
            log.chain.close()

    def _pairs(self, places: Places) -> Iterator[tuple[StreamLog, Place]]:
        return zip(self.streams, places, strict=True)


@dataclass(frozen=True, slots=True)
class LogSelection:
    """Which lines of an instance's log."""

    stream: Stream = Stream.BOTH
    """One stream, or both merged by time of reading."""
    since: float | None = None
    """Only lines whose first byte was read at this moment (seconds since the epoch) or later."""
    lines: int | None = None
    """Only the newest so many of those that match."""
    pattern: re.Pattern[str] | None = None
    """Only lines whose text, as it may be shown, it is found in; gaps always pass."""

    def choose(self, log: MergedLog, end: Places) -> Iterator[Row]:
        """The rows before `end` that are meant, oldest first."""
        begin = log.first() if self.since is None else log.since(self.since)
        if self.lines is not None:
            newest = self.matching(log, log.backward(end, begin))
            yield from reversed(list(islice(newest, max(self.lines, 0))))
            return
        limit = {one.stream: place for one, place in zip(log.streams, end, strict=True)}
        yield from self.matching(log, (row for row in log.forward(begin) if row.place < limit[row.stream]))

    def matching(self, log: MergedLog, rows: Iterable[Row]) -> Iterator[Row]:
        """Those of the rows that the pattern lets pass."""
        if self.pattern is None:
            yield from rows
            return
        for row in rows:
            if row.dropped_bytes or self.pattern.search(log.to_lines([row])[0].text):
                yield row


@contextmanager
def telling_what_cannot_be_read(directory: Path) -> Iterator[None]:
    """Turns the system's refusals into words.

    Raises:
        LogError: within this, the folder or a file could not be read.
    """
    try:
        yield
    except OSError as error:
        raise LogError(str(error.filename or directory), error.strerror or str(error)) from error


def read_tail(directory: Path, lines: int, stream: Stream = Stream.BOTH) -> tuple[LogLine, ...]:
    """The last `lines` lines, oldest first; reads no more of the files than it needs.

    Raises:
        LogError: the folder or a file cannot be read (a missing one counts as empty).
    """
    return tuple(iter_lines(directory, LogSelection(stream, lines=lines)))


def iter_lines(directory: Path, selection: LogSelection) -> Iterator[LogLine]:
    """The lines that are meant, oldest first, as they may be shown.

    Raises:
        LogError: the folder or a file cannot be read (a missing one counts as empty).
    """
    with telling_what_cannot_be_read(directory), MergedLog(directory, selection.stream) as log:
        for row in selection.choose(log, log.last()):
            yield from log.to_lines([row])


def iter_raw(directory: Path, selection: LogSelection) -> Iterator[bytes]:
    """The lines that are meant, oldest first, as the server wrote them, in pieces of bounded size.

    Raises:
        LogError: the folder or a file cannot be read (a missing one counts as empty).
    """
    with telling_what_cannot_be_read(directory), MergedLog(directory, selection.stream) as log:
        for row in selection.choose(log, log.last()):
            yield from log.read_raw(row)


def _get_order(row: Row) -> Order:
    return row.order
