"""A stretch of a log in memory: the rows that pass a sieve, and from where to where everything has been looked at."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from engine.logs.reader import MergedLog, Places
from engine.logs.rows import Row
from engine.logs.scan import Scanned, Step, scan_back, scan_on
from engine.logs.sieve import Sieve


class Stretch:
    """Grows at both ends, one step at a time. Used by one thread; growing raises OSError when files cannot be read."""

    def __init__(self, log: MergedLog, places: Places, sieve: Sieve | None) -> None:
        """An empty stretch at `places`."""
        self.rows: list[Row] = []
        self._log = log
        self._sieve = sieve
        self._begin = places
        self._end = places
        self._back: Iterator[Step] | None = None
        self._on: Iterator[Step] | None = None
        self._has_no_more_before = False
        self._has_no_more_behind = False

    def grow_back(self) -> bool:
        """One step towards older rows; False when there is nothing before."""
        if self._has_no_more_before:
            return False
        if self._back is None:
            self._back = scan_back(self._log, self._begin, self._sieve)
        step = next(self._back, None)
        if step is None:
            self._has_no_more_before = True
            return False
        if not isinstance(step, Scanned):
            self.rows.insert(0, step)
        self._begin = _replaced(self._begin, step.rank, min(step.place, self._begin[step.rank]))
        return True

    def grow_on(self) -> bool:
        """One step towards newer rows; False when there is nothing behind."""
        if self._has_no_more_behind:
            return False
        if self._on is None:
            self._on = scan_on(self._log, self._end, self._sieve)
        step = next(self._on, None)
        if step is None:
            self._has_no_more_behind = True
            return False
        if isinstance(step, Row):
            self.rows.append(step)
        after = step.after if isinstance(step, Row) else step.place
        self._end = _replaced(self._end, step.rank, max(after, self._end[step.rank]))
        return True

    def refresh(self) -> int:
        """Take notice of growth and rotation of the files; how many rows went from the front."""
        self._back = self._on = None
        self._has_no_more_before = self._has_no_more_behind = False
        first = self._log.first()
        gone = sum(1 for _ in self._gone(first))
        self.drop_front(gone)
        self._begin = tuple(map(max, self._begin, first))
        self._end = tuple(map(max, self._end, first))
        unfinished = next((index for index, row in enumerate(self.rows) if row.is_open), None)
        if unfinished is not None:
            self.drop_back(len(self.rows) - unfinished)
        return gone

    def places_at(self, index: int) -> Places:
        """Where a window begins that has row `index` on its top."""
        return self._log.step_on(self._begin, self.rows[:index])

    def drop_front(self, count: int) -> None:
        """Let go of the oldest rows."""
        if count:
            self._begin = self.places_at(count)
            del self.rows[:count]
            self._back, self._has_no_more_before = None, False

    def drop_back(self, count: int) -> None:
        """Let go of the newest rows."""
        if count:
            dropped = self.rows[-count:]
            del self.rows[-count:]
            self._end = self._log.step_back(self._end, dropped)
            self._on, self._has_no_more_behind = None, False

    def _gone(self, first: Places) -> Iterator[Row]:
        """The rows up to the last one that was deleted with its file."""
        behind = max((index + 1 for index, row in enumerate(self.rows) if row.place < first[row.rank]), default=0)
        return islice(self.rows, behind)


def _replaced(places: Places, rank: int, place: tuple[int, int]) -> Places:
    return (*places[:rank], place, *places[rank + 1 :])
