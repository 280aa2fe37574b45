"""Reading logs across rotated files: both streams merged by time of reading, from the end or since a moment.

Files of another origin (no index) are read too; their lines have no time and come before those that have one.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from itertools import islice, takewhile
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.logs.rows import Place, Row, StreamLog, to_line
from engine.snapshots import LogLine, Stream

Places = tuple[Place, ...]
"""A place in every stream of a log, in the order of its streams."""


class MergedLog:
    """One instance's log, one stream or both as one. Used by one thread; raises OSError when files cannot be read."""

    def __init__(self, directory: Path, stream: Stream = Stream.BOTH) -> None:
        streams = (Stream.STDOUT, Stream.STDERR) if stream is Stream.BOTH else (stream,)
        self.streams = tuple(StreamLog(directory, one) for one in streams)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def refresh(self) -> bool:
        """Take notice of growth and rotation; True when anything changed."""
        return bool(sum(log.chain.refresh() for log in self.streams))  # every one, so no short cut

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
        return tuple((log.chain.position_since(ts), 0) for log in self.streams)

    def forward(self, places: Places) -> Iterator[Row]:
        """The rows from `places` on, oldest first."""
        return heapq.merge(*(log.forward(place) for log, place in self._pairs(places)), key=_get_order)

    def backward(self, places: Places, down_to: Places | None = None) -> Iterator[Row]:
        """The rows before `places`, newest first, none of them before `down_to`."""
        lowest = {one.stream: place for one, place in zip(self.streams, down_to or self.first(), strict=True)}
        rows = (
            takewhile(lambda row: row.place >= lowest[row.stream], log.backward(place))
            for log, place in self._pairs(places)
        )
        return heapq.merge(*rows, key=_get_order, reverse=True)

    def to_lines(self, rows: list[Row]) -> tuple[LogLine, ...]:
        """Rows as they may be shown."""
        oldest = {log.stream: log.chain.start for log in self.streams}
        return tuple(to_line(row, oldest[row.stream]) for row in rows)

    def step_back(self, places: Places, rows: list[Row]) -> Places:
        """Where a window begins that holds `rows` (any order), which lie before `places`, on its top."""
        return tuple(
            min((row.place for row in rows if row.stream is log.stream), default=place)
            for log, place in self._pairs(places)
        )

    def step_on(self, places: Places, rows: list[Row]) -> Places:
        """Where what follows `rows`, which begin at `places`, begins."""
        return tuple(
            max((row.after for row in rows if row.stream is log.stream), default=place)
            for log, place in self._pairs(places)
        )

    def close(self) -> None:
        """Let go of every file. Idempotent."""
        for log in self.streams:
            log.chain.close()

    def _pairs(self, places: Places) -> Iterator[tuple[StreamLog, Place]]:
        return zip(self.streams, places, strict=True)


def read_tail(directory: Path, lines: int, stream: Stream = Stream.BOTH) -> tuple[LogLine, ...]:
    """The last `lines` lines, oldest first; reads no more of the files than it needs.

    Raises:
        OSError: the folder or a file cannot be read (a missing one counts as empty).
    """
    return tuple(iter_lines(directory, stream, lines=lines))


def iter_lines(
    directory: Path,
    stream: Stream = Stream.BOTH,
    since: float | None = None,
    lines: int | None = None,
    pattern: re.Pattern[str] | None = None,
) -> Iterator[LogLine]:
    """The kept lines that match, oldest first.

    Args:
        directory: The instance's log folder.
        stream: One stream, or both merged by time of reading.
        since: Only lines read at this moment (seconds since the epoch) or later.
        lines: Only the newest so many of those that match.
        pattern: Only lines whose cleaned text it is found in; gaps always pass.

    Raises:
        OSError: the folder or a file cannot be read (a missing one counts as empty).
    """
    with MergedLog(directory, stream) as log:
        begin = log.first() if since is None else log.since(since)
        if lines is None:
            yield from _matching(log, log.forward(begin), pattern)
            return
        newest = log.backward(log.last(), begin)
        yield from reversed(list(islice(_matching(log, newest, pattern), max(lines, 0))))


def _matching(log: MergedLog, rows: Iterator[Row], pattern: re.Pattern[str] | None) -> Iterator[LogLine]:
    for row in rows:
        (line,) = log.to_lines([row])
        if pattern is None or line.is_gap or pattern.search(line.text):
            yield line


def _get_order(row: Row) -> tuple[float, int]:
    return row.order
