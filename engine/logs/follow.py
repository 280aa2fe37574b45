"""Following a log: its last lines, then every line that comes, once each, through any number of rotations."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from engine.logs.reader import MergedLog, Places
from engine.logs.rows import Row
from engine.snapshots import LogLine, Stream

POLL_S = 0.1


def follow(
    directory: Path,
    stream: Stream,
    stop: threading.Event,
    lines: int = 10,
    since: float | None = None,
) -> Iterator[LogLine]:
    """The newest `lines` lines (all since `since`, when given), then each new one as soon as it is finished.

    What is there when `stop` is set is still given, an unfinished line included. Files that are rotated away while
    they are read stay readable to their end.

    Raises:
        OSError: the folder or a file cannot be read (a missing one is waited for).
    """
    with MergedLog(directory, stream) as log:
        if since is None:
            newest = list(islice(log.backward(log.last()), max(lines, 1)))
            tail = newest if lines > 0 else [row for row in newest if row.is_open]  # its end is still to come
            places = log.step_back(log.last(), tail)
        else:
            places = log.since(since)
        while True:
            is_stopping = stop.is_set()
            _refresh(log, places)
            for row in _ready(log, places, is_last=is_stopping):
                yield from log.to_lines([row])
                places = log.step_on(places, [row])
            if is_stopping:
                return
            stop.wait(POLL_S)


def _refresh(log: MergedLog, places: Places) -> None:
    for one, place in zip(log.streams, places, strict=True):
        one.chain.refresh(keep_from=place[0])


def _ready(log: MergedLog, places: Places, *, is_last: bool) -> Iterator[Row]:
    """The rows from `places` on; a line that may still grow waits."""
    return (row for row in log.forward(places) if is_last or not row.is_open)
