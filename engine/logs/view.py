"""Live windows on logs for a screen: one reader thread serves every open view, and publishes what changed.

A view's methods only write down a wish and wake the thread, so a screen never waits for a file.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.log_asking import LogFilter, LogPattern, LogWindow
from engine.logs.window import Resize, Scroll, SetFilter, SetSearch, ToEnd, ToHit, ToStart, ToTime, WindowReader, Wish
from engine.snapshots import Stream

PUBLISH_S = 0.1
"""The shortest time between two windows of one view, and how often an open view's files are looked at."""
QUIET_S = 0.5
"""How often they are looked at when nothing has been written or wished for `QUIET_AFTER_S`."""
QUIET_AFTER_S = 5.0
SLICE_S = 0.02
"""How long one view may search or filter before the others, and new wishes, have their turn."""


class LogViews:
    """Opens views, and owns the thread ``log-reader`` that reads for all of them. Safe for any thread.

    The thread starts with the first view, looks ten times a second while one is open, twice while all logs of open
    views are quiet, and sleeps while no view is open. A search or a filter is worked off in slices, so that no view
    waits for another's.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wake = threading.Condition()
        self._views: list[FileLogView] = []
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._stirred_at = 0.0
        """When something was last written or wished. The thread's own."""

    def open(self, name: str, folders: Path | Mapping[str, Path], stream: Stream = Stream.BOTH) -> FileLogView:
        """A window on the end of a log, or of several merged (by instance); it fills when its height is told."""
        by_name = folders if isinstance(folders, Mapping) else {name: folders}
        view = FileLogView(name, WindowReader(name, by_name, stream), self._wake)
        with self._wake:
            if not self._is_closed:
                self._views.append(view)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="log-reader", daemon=True)
                    self._thread.start()
            self._wake.notify_all()
        return view

    def close(self) -> None:
        """Close every view and end the thread. Idempotent."""
        with self._wake:
            self._is_closed = True
            thread = self._thread
            self._wake.notify_all()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        views: list[FileLogView] = []
        try:
            while True:
                with self._wake:
                    self._wake.wait_for(self._has_work, self._pause(views))
                    if self._is_closed:
                        return
                    self._views = views = [view for view in self._views if not view.drop_if_closed()]
                for view in views:
                    if view.advance(self._clock):
                        self._stirred_at = self._clock()
        finally:
            for view in views:
                view.drop()

    def _has_work(self) -> bool:
        now = self._clock()
        return self._is_closed or any(view.has_work(now) for view in self._views)

    def _pause(self, views: list[FileLogView]) -> float | None:
        """How long the thread may sleep; None means until it is woken. Called with the lock held."""
        if not (views or self._views):
            return None
        is_quiet = views == self._views and self._clock() - self._stirred_at > QUIET_AFTER_S
        return QUIET_S if is_quiet else PUBLISH_S


class FileLogView:
    """A window on one log; meets `engine.protocol.LogView`.

    Any thread may call the public methods of that protocol; `advance` and `drop…` belong to the reader thread, which
    owns everything but the wishes.
    """

    def __init__(self, name: str, reader: WindowReader, wake: threading.Condition) -> None:
        self._wake = wake
        self._wishes: list[Wish] = []
        self._is_closed = False
        self._published = LogWindow(name)
        self._next_at = 0.0
        self._reader = reader

    def window(self) -> LogWindow:
        """The newest published window; the same object until something changes."""
        return self._published

    def resize(self, height: int, fitting: int | None = None) -> None:
        """Tell how many lines the screen shows, and how many of the window's last ones when it breaks long lines."""
        self._wish(Resize(max(height, 0), max(height if fitting is None else fitting, 0)))

    def scroll(self, lines: int) -> None:
        """Move by this many lines, up when negative; reaching the end follows it again."""
        self._wish(Scroll(lines))

    def hold(self) -> None:
        """Stay at what is shown, also at the end."""
        self._wish(Scroll(0))

    def to_start(self) -> None:
        """Show the oldest kept line."""
        self._wish(ToStart())

    def to_end(self) -> None:
        """Follow the newest line."""
        self._wish(ToEnd())

    def to_time(self, ts: float) -> None:
        """Show what was read at `ts` (seconds since the epoch), and what came before and after."""
        self._wish(ToTime(ts))

    def set_filter(self, asked: LogFilter) -> None:
        """Show only what passes.

        Raises:
            UsageError: its pattern is no regular expression.
        """
        if asked.pattern is not None:
            asked.pattern.compiled()
        self._wish(SetFilter(asked))

    def set_search(self, pattern: LogPattern | None) -> None:
        """Count the lines that match, and be ready to go to them; None ends the search.

        Raises:
            UsageError: it is no regular expression.
        """
        if pattern is not None:
            pattern.compiled()
        self._wish(SetSearch(pattern))

    def to_hit(self, *, is_back: bool) -> None:
        """Go to the next line that matches, or to the one before."""
        self._wish(ToHit(is_back))

    def close(self) -> None:
        """Stop reading. Idempotent."""
        with self._wake:
            self._is_closed = True
            self._wake.notify_all()

    def has_work(self, now: float) -> bool:
        """True when something can be done right now. Called with the lock held."""
        return self._is_closed or self._reader.is_busy or (bool(self._wishes) and now >= self._next_at)

    def drop_if_closed(self) -> bool:
        """Let go of the files when the screen closed this view; True when it did."""
        if self._is_closed:
            self.drop()
        return self._is_closed

    def drop(self) -> None:
        """Let go of the files."""
        self._reader.close()

    def advance(self, clock: Callable[[], float]) -> bool:
        """Carry out the wishes, look at the files, and publish a window when it differs from the last.

        False when there was no wish, and nothing differs.
        """
        began = clock()
        is_due = began >= self._next_at
        if not is_due and not self._reader.is_busy:
            return True
        with self._wake:
            wishes, self._wishes = (tuple(self._wishes), []) if is_due else ((), self._wishes)
        self._reader.work(wishes, lambda: clock() - began > SLICE_S)
        has_news = self._reader.window != self._published
        if is_due and has_news:
            self._published = self._reader.window
            self._next_at = clock() + PUBLISH_S
        return has_news or bool(wishes)

    def _wish(self, wish: Wish) -> None:
        with self._wake:
            self._wishes.append(wish)
            self._wake.notify_all()
