"""What the keeper writes logs with: whole lines out, rotation between writes, never an exception.

One `RotatingWriter` serves one stream. The bytes on disk are exactly those of the server, but for what a full disk
refused: that is counted, recorded in the index, and reported by `take_gaps`.
Light: the keeper imports this module.
"""

from __future__ import annotations

import errno
import os
import time

from engine.logs.rotation import RotatingFile

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` costs the keeper half a megabyte
    from collections.abc import Callable

SILENCE_S = 0.1
"""How long an unfinished line waits for its end."""
CHECK_S = 1.0
"""How often the file is compared with its path, and a failed write is tried again."""
HOLD_BYTES = 256 * 1024
"""The longest unfinished line held in memory; a longer one is written in parts and may cross a file's end."""


class Gap:
    """Bytes of the server that could not be written, over one spell of a fault."""

    __slots__ = ("dropped_bytes", "reason", "since", "until")

    def __init__(self, since: float, until: float, dropped_bytes: int, reason: str) -> None:
        self.since = since
        self.until = until
        self.dropped_bytes = dropped_bytes
        self.reason = reason


class RotatingWriter:
    """Writes one stream into rotating files. Owned by one thread; no method raises OSError.

    Args:
        directory: The instance's log folder; made when it is missing, also later on.
        stream: ``stdout`` or ``stderr``.
        max_bytes: The size at which a file is rotated, at a line's end where there is one.
        backups: How many older files are kept; 0 keeps the current one only.
        clock: Seconds that never jump; `deadline` is told in them.
        wall: Seconds since the epoch, for the index.
    """

    def __init__(
        self,
        directory: str,
        stream: str,
        max_bytes: int,
        backups: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._file = RotatingFile(directory, stream, max_bytes, backups)
        self._hold_bytes = min(HOLD_BYTES, max_bytes)
        self._clock = clock
        self._wall = wall
        self._pending = bytearray()
        self._due: float | None = None
        self._check_at = clock()
        self._fault: _Fault | None = None
        self._gaps: list[Gap] = []

    def feed(self, data: bytes | bytearray, size: int | None = None) -> None:
        """Take one piece as it was read, all of `data` or its first `size` bytes.

        Its whole lines are written now, the rest waits for its end.
        """
        now = self._clock()
        size = len(data) if size is None else size
        cut = data.rfind(b"\n", 0, size) + 1
        head = 0
        with memoryview(data) as view:
            if cut and self._pending:  # its end goes with the unfinished line, the rest is written from where it lies
                head = data.find(b"\n", 0, cut) + 1
                self._pending += view[:head]
                self._write_pending(now)
            if head < cut:
                self._write(data, head, cut, now)
            self._pending += view[cut:size]
        if len(self._pending) >= self._hold_bytes:
            self._write_pending(now)
        self._due = now + SILENCE_S if self._pending else None

    def deadline(self) -> float | None:
        """When to call `flush_pending` (on the clock given), or None while no line is unfinished."""
        return self._due

    def flush_pending(self) -> None:
        """Write the unfinished line; while the disk refuses, it waits for the next try."""
        now = self._clock()
        if self._fault is not None and now < self._check_at and self._pending:
            self._due = self._check_at
            return
        self._write_pending(now)
        self._due = None

    def look_after(self) -> None:
        """See that the file is where it belongs; to be called now and then, also while nothing is written."""
        now = self._clock()
        if now < self._check_at:
            return
        try:
            self._check(now, int(self._wall() * 1e6))
        except OSError as error:
            self._fail(error, 0, 0, now)
        else:
            self._end_gap()

    def fault(self) -> str:
        """Why nothing can be written at the moment, in the system's words; empty when all is well."""
        return self._fault.reason if self._fault is not None else ""

    def take_gaps(self) -> list[Gap]:
        """The gaps that ended since the last call, oldest first."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def close(self) -> None:
        """Write what is left, with a last try when the disk refused, and let go of the files. Idempotent."""
        now = self._clock()
        self._check_at = now
        self._write_pending(now)
        self._due = None
        if self._fault is not None:
            self._check_at = now
            self.look_after()
        try:
            self._file.close()
        except OSError as error:
            self._fail(error, 0, 0, now)
        self._end_gap()

    def _write_pending(self, now: float) -> None:
        if self._pending:
            self._write(self._pending, 0, len(self._pending), now)
            self._pending.clear()

    def _write(self, data: bytes | bytearray, start: int, stop: int, now: float) -> None:
        """Write `data` from `start` to `stop`, or count what the disk refused."""
        if self._fault is not None and now < self._check_at:
            self._fault.dropped_bytes += stop - start
            return
        written = start
        try:
            now_us = int(self._wall() * 1e6)
            if now >= self._check_at or self._file.is_deleted():
                self._check(now, now_us)
            with memoryview(data) as view:
                while written < stop:
                    end = self._file.fit(data, written, stop, now_us)
                    with view[written:end] as piece:
                        written += self._file.append(piece, now_us)
        except OSError as error:
            self._fail(error, written - start, stop - written, now)
        else:
            self._end_gap()

    def _check(self, now: float, now_us: int) -> None:
        """See that the file is where it belongs, and close a gap before bytes follow it."""
        if not self._file.is_in_place():
            self._file.open(now_us)
        dropped_bytes = self._fault.dropped_bytes if self._fault is not None else 0
        if dropped_bytes and not self._file.note_gap(dropped_bytes):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._check_at = now + CHECK_S

    def _fail(self, error: OSError, written: int, dropped_bytes: int, now: float) -> None:
        self._check_at = now + CHECK_S
        if written:
            self._end_gap()
        if self._fault is None:
            self._fault = _Fault(self._wall(), error.strerror or str(error))
        self._fault.dropped_bytes += dropped_bytes

    def _end_gap(self) -> None:
        if self._fault is not None:
            self._gaps.append(Gap(self._fault.since, self._wall(), self._fault.dropped_bytes, self._fault.reason))
            self._fault = None


class _Fault:
    """What is being dropped at the moment, and why."""

    __slots__ = ("dropped_bytes", "reason", "since")

    def __init__(self, since: float, reason: str) -> None:
        self.since = since
        self.reason = reason
        self.dropped_bytes = 0
