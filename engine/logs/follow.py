"""Following a log: its last lines, then every line that comes, once each, through any number of rotations."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from engine.logs.reader import LogSelection, MergedLog, Places, telling_what_cannot_be_read
from engine.logs.rows import Place, Row, StreamLog
from engine.protocol import Stop
from engine.snapshots import LogLine

POLL_S = 0.1
LOOK_S = 0.05
"""How often the files are looked at while much is being read: what is open cannot be rotated away."""

ENDING_S = 0.5
"""How long lines are still given when it is time to end: nobody who has asked for a gigabyte waits for all of it."""


def follow(directory: Path, selection: LogSelection, stop: Stop) -> Iterator[LogLine]:
    """The lines that are meant, then each new one as soon as it is finished.

    What is there when `stop` is set is still given, an unfinished line included, for `ENDING_S` at most. Files that are
    rotated away while they are read stay readable to their end; where whole files went unread, a line says so.

    Raises:
        LogError: the folder or a file cannot be read (a missing one is waited for).
    """
    with telling_what_cannot_be_read(directory), MergedLog(directory, selection.stream) as log:
        for item in _follow(log, selection, stop):
            if isinstance(item, LogLine):
                yield item
            else:
                yield from log.to_lines([item])


def follow_raw(directory: Path, selection: LogSelection, stop: Stop) -> Iterator[bytes]:
    """As `follow`, but the bytes as the server wrote them, in pieces of bounded size.

    Raises:
        LogError: the folder or a file cannot be read (a missing one is waited for).
    """
    with telling_what_cannot_be_read(directory), MergedLog(directory, selection.stream) as log:
        for item in _follow(log, selection, stop):
            if isinstance(item, Row):
                yield from log.read_raw(item)


def _follow(log: MergedLog, selection: LogSelection, stop: Stop) -> Iterator[Row | LogLine]:
    ending = _Ending(stop)
    places = _find_finished(log)
    for row in selection.choose(log, places):
        yield row
        if ending.is_over():
            return
    while True:
        is_last = stop.is_set()
        log.refresh(keep_from=places)
        looked_at = time.monotonic()
        for row in log.forward(places):
            if row.is_open and not is_last:
                continue
            yield from _tell_missed(log, row)
            yield from selection.matching(log, [row])
            places = log.step_on(places, [row])
            if ending.is_over():
                return
            if time.monotonic() - looked_at >= LOOK_S:
                log.refresh(keep_from=places)
                looked_at = time.monotonic()
        if is_last:
            return
        stop.wait(POLL_S)


class _Ending:
    """How long it may still take."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._over_at: float | None = None

    def is_over(self) -> bool:
        """True `ENDING_S` after it was first seen that it is time to end."""
        if not self._stop.is_set():
            return False
        now = time.monotonic()
        if self._over_at is None:
            self._over_at = now + ENDING_S
        return now >= self._over_at


def _find_finished(log: MergedLog) -> Places:
    """Behind the newest row of each stream that will not grow any more."""
    return tuple(_find_end(one) for one in log.streams)


def _find_end(one: StreamLog) -> Place:
    newest = next(one.backward(one.last()), None)
    if newest is None:
        return one.first()
    return newest.place if newest.is_open else newest.after


def _tell_missed(log: MergedLog, row: Row) -> Iterator[LogLine]:
    for one in log.streams:
        if one.stream is row.stream and (count := one.chain.take_missed(row.start)):
            yield _say_missed(one, row, count)


def _say_missed(one: StreamLog, row: Row, count: int) -> LogLine:
    what = "1 log file was" if count == 1 else f"{count} log files were"
    text = f"… {what} rotated away here unread: raise max_size_mb or backups to keep more"
    return LogLine(text, one.stream, row.ts, row.start - one.chain.start, is_gap=True)
