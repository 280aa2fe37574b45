"""The daemon's own log: events and its own doings, rotated, one line each. Secrets never reach it.

What is logged is what the event log holds too, redacted there; of an unforeseen error the place is written, and not
its message, which may quote anything.
"""

from __future__ import annotations

import threading
import traceback
from types import TracebackType

from engine.clock import Clock
from engine.daemon.identity import LOG_NAME
from engine.logs.clean import clean
from engine.logs.writer import RotatingWriter
from engine.paths import Home
from engine.snapshots import Event, Level
from engine.times import format_time

MAX_BYTES = 5_000_000
BACKUPS = 3


class Diary:
    """May be written to from any thread. A full disk costs lines, never the daemon."""

    def __init__(self, home: Home, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._writer = RotatingWriter(str(home.daemon_dir), LOG_NAME, MAX_BYTES, BACKUPS)

    def note(self, message: str, level: Level = Level.INFO) -> None:
        """What the daemon does itself."""
        self._write(self._clock.wall(), level, "-", "daemon", message)

    def note_event(self, event: Event) -> None:
        """What happened."""
        self._write(event.ts, event.level, event.instance or "-", str(event.type), event.message)

    def note_crash(self, where: str, kind: type[BaseException], trace: TracebackType | None) -> None:
        """An error that nobody foresaw: what sort, and where."""
        places = " < ".join(f"{one.filename}:{one.lineno} {one.name}" for one in traceback.extract_tb(trace)[::-1])
        self.note(f"{kind.__name__} in {where}: {places}", Level.ERROR)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._writer.close()

    def _write(self, ts: float, level: Level, subject: str, kind: str, message: str) -> None:
        text = clean(message.encode("utf-8", "replace"))
        line = f"{format_time(ts)}  {level.value:<7}  {subject:<16}  {kind:<12}  {text}\n"
        with self._lock:
            self._writer.feed(line.encode())
