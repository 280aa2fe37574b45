"""The part of a log that a screen looks at: follows the end, stays where it was put, filters, and goes to hits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

from engine.log_asking import LogFilter, LogPattern, LogWindow
from engine.logs.reader import MergedLog, Places
from engine.logs.rows import Place, Row
from engine.logs.scan import count_between
from engine.logs.search import Search
from engine.logs.sieve import Sieve
from engine.logs.stretch import Stretch
from engine.snapshots import Stream

DEFAULT_HEIGHT = 40
HEIGHTS_KEPT = 3
"""Windows full of rows that stay in memory on either side of what is shown."""


@dataclass(frozen=True, slots=True)
class Resize:
    """Show this many lines; of the last ones there is room for `fitting`, as a screen may break them."""

    height: int
    fitting: int


@dataclass(frozen=True, slots=True)
class Scroll:
    """Move by this many lines, up when negative; 0 only stops following."""

    lines: int


@dataclass(frozen=True, slots=True)
class ToStart:
    """Show the oldest line."""


@dataclass(frozen=True, slots=True)
class ToEnd:
    """Follow the newest line."""


@dataclass(frozen=True, slots=True)
class ToTime:
    """Show what was read at this moment."""

    ts: float


@dataclass(frozen=True, slots=True)
class SetFilter:
    """Show only what passes."""

    asked: LogFilter


@dataclass(frozen=True, slots=True)
class SetSearch:
    """Search for this, or for nothing more."""

    pattern: LogPattern | None


@dataclass(frozen=True, slots=True)
class ToHit:
    """Go to the next hit, or the one before."""

    is_back: bool


Wish = Resize | Scroll | ToStart | ToEnd | ToTime | SetFilter | SetSearch | ToHit


class WindowReader:
    """Reads for one view. Owned by the reader thread; raises nothing: what cannot be read is told in the window."""

    def __init__(self, name: str, folders: Mapping[str, Path], stream: Stream) -> None:
        self._name = name
        self._folders = folders
        self._stream = stream
        self._log: MergedLog | None = None
        self._frame: Frame | None = None
        self._asked = LogFilter()
        self._height = DEFAULT_HEIGHT
        self._window = LogWindow(name)

    def work(self, wishes: tuple[Wish, ...], is_over: Callable[[], bool]) -> bool:
        """Look at the files and do what was asked; False when nothing was asked and nothing changed.

        Args:
            wishes: What the screen asked for, in its order.
            is_over: Asked after every step of a longer work; True puts the rest off until the next call.
        """
        try:
            frame, has_changed = self._take_notice()
            for wish in wishes:
                frame.take(wish)
            if not wishes and not has_changed and not frame.is_busy:
                return False
            frame.work(is_over)
            self._window = self._describe(frame)
        except OSError as error:
            self.close()
            self._window = LogWindow(self._name, error=f"{self._name}: {error}; make {self._place()} readable")
        return True

    @property
    def window(self) -> LogWindow:
        """The window as it is after the latest work."""
        return self._window

    @property
    def is_busy(self) -> bool:
        """True while a longer work waits for the next call."""
        return self._frame is not None and self._frame.is_busy

    def close(self) -> None:
        """Let go of the files. Idempotent."""
        if self._log is not None:
            self._log.close()
        if self._frame is not None:
            self._height, self._asked = self._frame.height, self._frame.asked
        self._log = self._frame = None

    def _place(self) -> Path:
        """Where the files are, for a person."""
        folder = next(iter(self._folders.values()))
        return folder if len(self._folders) == 1 else folder.parent

    def _take_notice(self) -> tuple[Frame, bool]:
        if self._log is None or self._frame is None:
            self._log = MergedLog(self._folders if len(self._folders) > 1 else self._place(), self._stream)
            self._frame = Frame(self._log, self._height, self._asked)
            return self._frame, True
        has_changed = self._log.refresh()
        if has_changed:
            self._frame.refresh()
        return self._frame, has_changed

    def _describe(self, frame: Frame) -> LogWindow:
        window = frame.window(self._name)
        if frame.log.exists():
            return window
        return replace(window, error="No log yet; it begins with the first line that the instance writes")


class Frame:
    """Where a window is in an open log, and what it has to do. Methods raise OSError when files cannot be read."""

    def __init__(self, log: MergedLog, height: int, asked: LogFilter) -> None:
        self.log = log
        self.height = height
        self._fitting = height
        self.asked = asked
        self.is_busy = True
        self._sieve = Sieve(asked) if asked else None
        self._stretch = Stretch(log, log.last(), self._sieve)
        self._follows = True
        self._top = 0
        """The row on top of the window, while it does not follow."""
        self._move = 0
        """Rows to go, up when negative."""
        self._may_follow = False
        """True when the screen itself went to where it is: then the end follows again."""
        self._current: tuple[int, Place] | None = None
        """The hit that the screen was led to."""
        self._moment: float | None = None
        """The time that the screen jumped to."""
        self._search: Search | None = None
        self._hits_to_go = 0
        """Down when positive, up when negative."""
        self._counted: Places = log.last()
        """Up to where new lines have been counted."""
        self._new_lines = 0

    # -- wishes and news

    def take(self, wish: Wish) -> None:
        """Note what the screen asked for."""
        self.is_busy = True
        match wish:
            case Resize(height, fitting):
                self.height, self._fitting = height, min(fitting, height)
            case Scroll(lines):
                self._stop_following()
                self._move += lines
                self._may_follow = lines != 0
            case ToStart():
                self._go_to(self.log.first())
                self._may_follow = True
            case ToEnd():
                self._go_to(self.log.last())
                self._follows = True
            case ToTime(ts):
                self._go_to_time(ts)
            case SetFilter(asked):
                self._set_filter(asked)
            case SetSearch(pattern):
                self._search = Search(pattern, self.asked) if pattern is not None else None
                self._current, self._hits_to_go = None, 0
            case ToHit(is_back):
                self._hits_to_go += -1 if is_back else 1
            case _:
                assert_never(wish)

    def refresh(self) -> None:
        """The files have grown or were rotated."""
        self.is_busy = True
        if self._follows and self._sieve is None:  # reading the end again is less than reading what came
            self._stretch = Stretch(self.log, self.log.last(), None)
        else:
            self._top = max(0, self._top - self._stretch.refresh())
        if self._search is not None:
            self._search.refresh(self.log)

    def work(self, is_over: Callable[[], bool]) -> None:
        """Do what was asked, until it is done or `is_over`."""
        while self._step():
            if is_over():
                return
        self._trim()
        self._count_new()
        self.is_busy = False

    def _step(self) -> bool:
        """One step of whatever comes first; False when all is done."""
        search = self._search
        if search is not None and search.is_seeking:
            self._step_to_hit(search)
            return True
        if self._fill():
            return True
        if search is None:
            return False
        if self._hits_to_go:
            is_back = self._hits_to_go < 0
            search.seek(self.log, self._begin_of_seek(is_back=is_back), is_back=is_back)
            return True
        return search.count(self.log)

    def _step_to_hit(self, search: Search) -> None:
        hit = search.step(self.log)
        if hit is not None:
            self._show(hit)
            self._hits_to_go += 1 if self._hits_to_go < 0 else -1
        elif not search.is_seeking:  # nowhere
            self._hits_to_go = 0

    # -- the rows of the window

    def _fill(self) -> bool:
        """One step towards a full window; False when it is as full as can be."""
        if self._follows:
            return self._stretch.grow_on() or (len(self._stretch.rows) < self.height and self._grow_back())
        if self._move < 0 and self._top < -self._move and self._grow_back():
            return True
        target = max(self._top + self._move, 0)
        if len(self._stretch.rows) <= target + self.height and self._stretch.grow_on():
            return True
        spare = max(0, len(self._stretch.rows) - self._fitting)
        if self._may_follow and target >= spare:
            self._follow()
            return True
        self._top, self._move = min(target, spare), 0
        return len(self._stretch.rows) < self.height and self._grow_back()

    def _grow_back(self) -> bool:
        before = len(self._stretch.rows)
        has_grown = self._stretch.grow_back()
        self._top += len(self._stretch.rows) - before
        return has_grown

    def _follow(self) -> None:
        self._follows, self._may_follow, self._move = True, False, 0

    def _stop_following(self) -> None:
        if self._follows:
            self._follows = False
            surplus = len(self._stretch.rows) - self._fitting
            self._top, self._move = max(0, surplus), min(0, surplus)

    def _trim(self) -> None:
        """Let go of rows far from the window."""
        keeps, rows = HEIGHTS_KEPT * max(self.height, 1), len(self._stretch.rows)
        if self._follows:
            self._stretch.drop_front(max(0, rows - keeps))
            return
        self._stretch.drop_back(max(0, rows - self._top - self.height - keeps))
        spare = max(0, self._top - keeps)
        self._stretch.drop_front(spare)
        self._top -= spare

    def _count_new(self) -> None:
        if self._follows:
            self._counted, self._new_lines = self.log.last(), 0
            return
        last = tuple((one.closed_end(), 0) for one in self.log.streams)
        for one, place, end in zip(self.log.streams, self._counted, last, strict=True):
            self._new_lines += count_between(one, max(place[0], one.chain.start), end[0], self._sieve)
        self._counted = last

    # -- going somewhere

    def _go_to(self, places: Places, *, rows_above: int = 0) -> None:
        self._stretch = Stretch(self.log, places, self._sieve)
        self._follows = self._may_follow = False
        self._top, self._move = 0, -rows_above
        self._current = self._moment = None

    def _go_to_time(self, ts: float) -> None:
        self._go_to(self.log.places_at((ts, 0)), rows_above=self._fitting // 3)
        self._moment = ts

    def _show(self, hit: Row) -> None:
        """Bring a hit into the window; where it is seen already, nothing moves."""
        if self._index_of((hit.rank, hit.place)) is None:
            places = list(self.log.places_at(hit.order))
            places[hit.rank] = hit.place
            self._go_to(tuple(places), rows_above=self._fitting // 3)
        else:
            self._stop_following()
            self._may_follow = False
        self._current, self._moment = (hit.rank, hit.place), None

    def _set_filter(self, asked: LogFilter) -> None:
        self.asked = asked
        self._sieve = Sieve(asked) if asked else None
        if self._search is not None:
            self._search = Search(self._search.pattern, asked)
        if self._follows:
            self._stretch = Stretch(self.log, self.log.last(), self._sieve)
        else:
            current, moment = self._current, self._moment
            self._go_to(self._stretch.places_at(self._top))
            self._current, self._moment = current, moment

    def _begin_of_seek(self, *, is_back: bool) -> Places:
        """From the current line on where it is seen, else from the window's edge."""
        if (index := self._index_of(self._current)) is not None:
            return self._stretch.places_at(index if is_back else index + 1)
        if self._follows:
            return self.log.last()
        bottom = min(self._top + self._fitting, len(self._stretch.rows))
        return self._stretch.places_at(bottom if is_back else self._top)

    # -- what is seen

    def window(self, name: str) -> LogWindow:
        """What can be shown now."""
        rows = self._shown()
        top = len(self._stretch.rows) - len(rows) if self._follows else self._top
        size = self.log.size_bytes()
        places = self._stretch.places_at(top)
        above = sum(place[0] - one.chain.start for one, place in zip(self.log.streams, places, strict=True))
        return LogWindow(
            name=name,
            lines=self.log.to_lines(rows),
            at_end=self._follows,
            top=above / size if size else 0.0,
            size_bytes=size,
            new_lines=self._new_lines,
            current=self._marked(rows),
            is_filling=self.is_busy and len(rows) < self.height,
            search=self._search.state() if self._search is not None else None,
        )

    def _shown(self) -> list[Row]:
        rows = self._stretch.rows
        if self._follows:
            return rows[-self.height :] if self.height else []
        return rows[self._top : self._top + self.height]

    def _marked(self, rows: list[Row]) -> int | None:
        """Which of the rows shown a search or a jump led to."""
        if self._moment is not None:
            return next((index for index, row in enumerate(rows) if row.order >= (self._moment, 0)), None)
        return next((index for index, row in enumerate(rows) if (row.rank, row.place) == self._current), None)

    def _index_of(self, current: tuple[int, Place] | None) -> int | None:
        """Where in the stretch a line is that the window shows; None when it does not."""
        if current is None:
            return None
        top = max(0, len(self._stretch.rows) - self._fitting) if self._follows else self._top
        seen = enumerate(self._stretch.rows[top : top + self._fitting], top)
        return next((index for index, row in seen if (row.rank, row.place) == current), None)
