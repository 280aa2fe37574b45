"""A search in one log: counts the lines that match, newest first, and finds the next one in either direction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.log_asking import LogFilter, LogPattern, LogSearch, Seek
from engine.logs.reader import MergedLog, Places
from engine.logs.rows import Row, StreamLog
from engine.logs.scan import SCAN_BYTES, Scanned, Step, count_rows, scan_back, scan_on
from engine.logs.sieve import Sieve


@dataclass(slots=True)
class _Counted:
    """One stream's part that has been counted: from `low` to `high`."""

    log: StreamLog
    low: int
    high: int
    closed: int
    """Where its finished lines end."""
    open_hits: int = 0
    """1 when the unfinished line behind them matches."""


class Search:
    """Owned by one thread; every step takes about a millisecond and raises OSError when files cannot be read."""

    def __init__(self, pattern: LogPattern, asked: LogFilter) -> None:
        """Only lines that pass `asked` count.

        Raises:
            UsageError: a pattern is no regular expression.
        """
        self.pattern = pattern
        self._sieve = Sieve(asked, pattern)
        self._streams: list[_Counted] = []
        self._hits = 0
        self._is_fresh = False
        self._seek = Seek.IDLE
        self._steps: Iterator[Step] | None = None
        self._is_back = False
        self._from: Places = ()
        self._wraps = False

    @property
    def is_seeking(self) -> bool:
        """True while the next hit is looked for."""
        return self._seek is Seek.SEEKING

    def state(self) -> LogSearch:
        """How it stands."""
        there = sum(one.log.chain.end - one.log.chain.start for one in self._streams)
        left = sum(max(one.low - one.log.chain.start, 0) + one.log.chain.end - one.high for one in self._streams)
        share = 1.0 if self._is_fresh or not there else max(0.0, 1.0 - left / there)
        hits = self._hits + sum(one.open_hits for one in self._streams)
        return LogSearch(self.pattern, hits, share if self._streams else 0.0, self._seek)

    # -- counting

    def refresh(self, log: MergedLog) -> None:
        """Take notice of growth and rotation of the files."""
        self._is_fresh = False
        if self._steps is not None:
            self._from = tuple(map(max, self._from, log.first()))
            self._begin_steps(log)
        if any(one.log.chain.start > one.low for one in self._streams):
            self._streams = []  # lines that were counted are gone, and nobody knows how many matched
        for one in self._streams:
            one.closed = one.log.closed_end()

    def count(self, log: MergedLog) -> bool:
        """One step; False when everything is counted."""
        if self._is_fresh:
            return False
        if not self._streams:
            self._hits = 0
            self._streams = [_begin(one) for one in log.streams]
        for one in self._streams:
            if one.high < one.closed:
                stop = one.log.block_end(one.high, one.closed, SCAN_BYTES)
                self._hits += count_rows(one.log, one.high, stop, self._sieve)
                one.high, one.open_hits = stop, 0
                return True
        unread = [one for one in self._streams if one.low > one.log.chain.start]
        if unread:
            one = max(unread, key=lambda each: each.log.order_at(each.low))
            start = one.log.block_start(one.low, SCAN_BYTES)
            self._hits += count_rows(one.log, start, one.low, self._sieve)
            one.low = start
            return True
        for one in self._streams:
            one.open_hits = count_rows(one.log, one.high, one.log.chain.end, self._sieve)
        self._is_fresh = True
        return False

    # -- the next hit

    def seek(self, log: MergedLog, places: Places, *, is_back: bool) -> None:
        """Begin to look for the first hit from `places` on, or the last one before."""
        self._seek = Seek.SEEKING
        self._is_back, self._from, self._wraps = is_back, places, False
        self._begin_steps(log)

    def step(self, log: MergedLog) -> Row | None:
        """One step towards the next hit; the row when it is found."""
        step = next(self._steps, None) if self._steps is not None else None
        if isinstance(step, Row):
            self._seek = Seek.WRAPPED if self._wraps else Seek.FOUND
            self._steps = None
            return step
        if isinstance(step, Scanned):
            place = self._from[step.rank]
            nearer = min(step.place, place) if self._is_back else max(step.place, place)
            self._from = (*self._from[: step.rank], nearer, *self._from[step.rank + 1 :])
        elif self._wraps or self._steps is None:
            self._seek = Seek.NOTHING
            self._steps = None
        else:
            self._wraps = True
            self._from = log.last() if self._is_back else log.first()
            self._begin_steps(log)
        return None

    def _begin_steps(self, log: MergedLog) -> None:
        scan = scan_back if self._is_back else scan_on
        self._steps = scan(log, self._from, self._sieve)


def _begin(log: StreamLog) -> _Counted:
    end = log.closed_end()
    return _Counted(log, end, end, end)
