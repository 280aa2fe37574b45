"""All of a log from its first kept line to its last, one instance's or several merged, through a filter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.log_asking import LogFilter
from engine.logs.reader import MergedLog, telling_what_cannot_be_read
from engine.logs.rows import Row
from engine.logs.scan import scan_on
from engine.logs.sieve import Sieve
from engine.snapshots import LogLine


def iter_whole_log(folders: Mapping[str, Path], asked: LogFilter) -> Iterator[LogLine]:
    """The lines that pass, oldest first; what is written after the first one was asked for is left out.

    Raises:
        LogError: a folder or a file cannot be read (a missing one counts as empty).
        UsageError: the pattern of the filter is no regular expression.
    """
    sieve = Sieve(asked) if asked else None
    with telling_what_cannot_be_read(next(iter(folders.values()))), MergedLog(folders) as log:
        for step in scan_on(log, log.first(), sieve):
            if isinstance(step, Row):
                yield from log.to_lines([step])
