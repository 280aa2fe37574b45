"""Live windows on logs for a screen: one reader thread serves every open view, and publishes what changed.

A view's methods only write down a wish and wake the thread, so a screen never waits for a file.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from engine.logs.reader import MergedLog, Places
from engine.logs.rows import Row
from engine.snapshots import LogLine, LogWindow, Stream

PUBLISH_S = 0.1
"""The shortest time between two windows of one view, and how often an open view's files are looked at."""
DEFAULT_HEIGHT = 40


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What a screen asked for since the reader thread last looked."""

    height: int = DEFAULT_HEIGHT
    scroll: int = 0
    """Lines to move, after the jump."""
    jump: int = 0
    """-1 to the oldest line, 1 to the newest, 0 for neither."""
    is_closed: bool = False


class LogViews:
    """Opens views, and owns the thread ``log-reader`` that reads for all of them. Safe for any thread.

    The thread starts with the first view, looks ten times a second while one is open, and sleeps while none is.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wake = threading.Condition()
        self._views: list[FileLogView] = []
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def open(self, name: str, directory: Path, stream: Stream = Stream.BOTH) -> FileLogView:
        """A window on the end of an instance's log; it fills within a tenth of a second."""
        view = FileLogView(name, directory, stream, self._wake)
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
                    view.advance(self._clock())
        finally:
            for view in views:
                view.drop()

    def _has_work(self) -> bool:
        now = self._clock()
        return self._is_closed or any(view.has_wish(now) for view in self._views)

    def _pause(self, views: list[FileLogView]) -> float | None:
        """How long the thread may sleep; None means until it is woken. Called with the lock held."""
        return PUBLISH_S if views or self._views else None


class FileLogView:
    """A window on one log; meets `engine.protocol.LogView`.

    Any thread may call the public methods of that protocol; `advance` and `drop…` belong to the reader thread, which
    owns everything but the wishes.
    """

    def __init__(self, name: str, directory: Path, stream: Stream, wake: threading.Condition) -> None:
        self._name = name
        self._wake = wake
        self._wishes = _Wishes()
        self._has_wish = True
        self._published = LogWindow(name)
        self._next_at = 0.0
        self._reader = _WindowReader(name, directory, stream)

    def window(self) -> LogWindow:
        """The newest published window; the same object until something changes."""
        return self._published

    def resize(self, height: int) -> None:
        """Tell how many lines the screen shows."""
        self._wish(lambda old: _Wishes(max(height, 0), old.scroll, old.jump, old.is_closed))

    def scroll(self, lines: int) -> None:
        """Move by this many lines, up when negative; reaching the end follows it again."""
        self._wish(lambda old: _Wishes(old.height, old.scroll + lines, old.jump, old.is_closed))

    def to_start(self) -> None:
        """Show the oldest kept line."""
        self._wish(lambda old: _Wishes(old.height, 0, -1, old.is_closed))

    def to_end(self) -> None:
        """Follow the newest line."""
        self._wish(lambda old: _Wishes(old.height, 0, 1, old.is_closed))

    def close(self) -> None:
        """Stop reading. Idempotent."""
        self._wish(lambda old: _Wishes(old.height, is_closed=True))

    def has_wish(self, now: float) -> bool:
        """True when something was asked for and may be answered by `now`. Called with the lock held."""
        return self._wishes.is_closed or (self._has_wish and now >= self._next_at)

    def drop_if_closed(self) -> bool:
        """Let go of the files when the screen closed this view; True when it did."""
        if self._wishes.is_closed:
            self.drop()
        return self._wishes.is_closed

    def drop(self) -> None:
        """Let go of the files."""
        self._reader.close()

    def advance(self, now: float) -> None:
        """Carry out the wishes, look at the files, and publish a window when it differs from the last."""
        if now < self._next_at:
            return
        with self._wake:
            wishes, self._wishes = self._wishes, _Wishes(self._wishes.height, is_closed=self._wishes.is_closed)
            had_wish, self._has_wish = self._has_wish, False
        window = self._reader.read(wishes, is_forced=had_wish)
        if window is not None and window != self._published:
            self._published = window
            self._next_at = now + PUBLISH_S

    def _wish(self, change: Callable[[_Wishes], _Wishes]) -> None:
        with self._wake:
            self._wishes = change(self._wishes)
            self._has_wish = True
            self._wake.notify_all()


class _WindowReader:
    """Reads the window of one view. Owned by the reader thread."""

    def __init__(self, name: str, directory: Path, stream: Stream) -> None:
        self._name = name
        self._directory = directory
        self._stream = stream
        self._log: MergedLog | None = None
        self._height = DEFAULT_HEIGHT
        self._top: Places | None = None
        """Where the window begins; None while it follows the end."""
        self._counted: Places = ()
        """Up to where new lines have been counted."""
        self._new_lines = 0

    def read(self, wishes: _Wishes, *, is_forced: bool) -> LogWindow | None:
        """The present window; None when nothing was asked and no file changed."""
        try:
            if self._log is None:
                self._log = MergedLog(self._directory, self._stream)
            elif not self._log.refresh() and not is_forced:
                return None
            self._height = wishes.height
            return self._show(self._log, wishes)
        except OSError as error:
            self.close()
            return LogWindow(self._name, error=f"{self._name}: {error}; make {self._directory} readable")

    def close(self) -> None:
        """Let go of the files. Idempotent."""
        if self._log is not None:
            self._log.close()
            self._log, self._top, self._counted = None, None, ()

    def _show(self, log: MergedLog, wishes: _Wishes) -> LogWindow:
        self._counted = self._counted or log.last()
        if wishes.jump:
            self._top = None if wishes.jump > 0 else log.first()
        if wishes.scroll or wishes.jump < 0:
            self._move(log, wishes.scroll)
        if self._top is None:
            rows = list(islice(log.backward(log.last()), self._height))[::-1]
            self._counted, self._new_lines = log.last(), 0
        else:
            self._top = tuple(max(place, first) for place, first in zip(self._top, log.first(), strict=True))
            rows = list(islice(log.forward(self._top), self._height))
            self._count(log)
        return self._window(log, rows)

    def _move(self, log: MergedLog, lines: int) -> None:
        """Set the window's top; at the end (or when everything fits) it follows again."""
        top = self._top
        if top is None:
            top = log.step_back(log.last(), list(islice(log.backward(log.last()), self._height)))
        if lines < 0:
            top = log.step_back(top, list(islice(log.backward(top), -lines)))
        else:
            top = log.step_on(top, list(islice(log.forward(top), lines)))
        reaches = list(islice(log.forward(top), self._height + 1))
        self._top = top if len(reaches) > self._height else None

    def _count(self, log: MergedLog) -> None:
        for one, place in zip(log.streams, self._counted, strict=True):
            self._new_lines += one.count_newlines(max(place[0], one.chain.start), one.chain.end)
        self._counted = log.last()

    def _window(self, log: MergedLog, rows: list[Row]) -> LogWindow:
        size = log.size_bytes()
        lines: tuple[LogLine, ...] = log.to_lines(rows)
        above = 0
        for one, place in zip(log.streams, self._top or log.step_back(log.last(), rows), strict=True):
            above += place[0] - one.chain.start
        return LogWindow(
            name=self._name,
            lines=lines,
            at_end=self._top is None,
            top=above / size if size else 0.0,
            size_bytes=size,
            new_lines=self._new_lines,
            error=""
            if log.exists()
            else f"{self._name}: no log yet; it begins with the first line the instance writes",
        )
