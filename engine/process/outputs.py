"""What the server writes, on its way from two pipes into the log; and what became of the log, to be told.

The keeper owns one `Outputs` and serves it from its loop. A piece is whatever one read of a pipe gives: nothing here
looks at lines, that is the writers' work.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # tells the type checker which half of the world this is

import os
import selectors
import time

from engine.logs.writer import RotatingWriter
from engine.process import posix
from engine.process.records import Record, get_value

READ_BYTES = posix.USUAL_PIPE_BYTES
"""One read of a pipe: its whole capacity, as the system makes it."""
WIDE_PIPE_BYTES = 1 << 19
"""The capacity of a pipe once its server floods it: fewer, larger pieces, and the server waits less for each."""
BREATH_S = 0.004
"""The longest rest of the pump between two turns: in a rest, more comes together, and one turn moves it all."""
SHORTEST_BREATH_S = 0.0001
"""A shorter one costs more than it saves."""
MUCH_SHARE = 7 / 16
"""A turn that found a larger part of a pipe filled may have held the server up: Linux calls a pipe full when no page of
it is free, and writes of just over half a page fill none. The next rest is half as long."""
LITTLE_SHARE = MUCH_SHARE / 2
"""A turn that found less could have waited: the next rest is longer."""
QUIET_S = 10.0
"""After a gap was told, more of it is added up for so long: a disk that is full now and then fills no event log."""


class Outputs:
    """Owned by the keeper's one thread."""

    def __init__(self, spec: Record, selector: selectors.BaseSelector) -> None:
        self._spec = spec
        self._selector = selector
        self._writers: dict[int, RotatingWriter] = {}
        self._troubles: list[Trouble] = []
        self._buffer = bytearray(READ_BYTES)
        self._capacities: dict[int, int] = {}
        self._is_flooded = False
        """Much for a narrow pipe came at once since the last look after the files."""
        self._filled = 0.0
        """Which part of the pipes was moved since the last rest."""
        self._breath_s = 0.0

    def open(self) -> tuple[int, int]:
        """Make both pipes; the ends to write to, for the server's stdout and stderr.

        Raises:
            OSError: no descriptors are left.
        """
        ends = []
        for stream in ("stdout", "stderr"):
            read_end, write_end = os.pipe()
            os.set_blocking(read_end, False)
            writer = RotatingWriter(
                get_value(self._spec, "logs"),
                stream,
                int(get_value(self._spec, "max_bytes")),
                int(get_value(self._spec, "backups")),
                time.monotonic,
            )
            self._writers[read_end] = writer
            self._capacities[read_end] = posix.read_pipe_capacity(read_end)
            self._troubles.append(Trouble(stream, get_value(self._spec, "logs"), writer))
            self._selector.register(read_end, selectors.EVENT_READ)
            ends.append(write_end)
        return ends[0], ends[1]

    def owns(self, handle: int) -> bool:
        """True for the reading end of one of the pipes."""
        return handle in self._writers

    def pump(self, handle: int) -> bool:
        """Move one piece from a pipe to its log; False when there is nothing (more) to move."""
        try:
            size = os.readv(handle, [self._buffer])
        except BlockingIOError:
            return False
        if not size:
            self._selector.unregister(handle)
            return False
        self._writers[handle].feed(self._buffer, size)
        capacity = self._capacities[handle]
        self._filled += size / capacity
        if size > MUCH_SHARE * min(capacity, READ_BYTES):
            self._widen(handle)
        return True

    def _widen(self, handle: int) -> None:
        """Have a pipe hold more, where the system grants it, and read more at once until the flood is over."""
        if self._capacities[handle] < WIDE_PIPE_BYTES and posix.resize_pipe(handle, WIDE_PIPE_BYTES):
            self._capacities[handle] = WIDE_PIPE_BYTES
        self._is_flooded = self._capacities[handle] == WIDE_PIPE_BYTES
        if self._is_flooded and len(self._buffer) < WIDE_PIPE_BYTES:
            self._buffer = bytearray(WIDE_PIPE_BYTES)

    def take_breath(self) -> float:
        """How long to rest before the next turn, in seconds: by what was moved since the last answer."""
        filled, self._filled = self._filled, 0.0
        if filled > MUCH_SHARE:
            self._breath_s /= 2
        elif filled and filled < LITTLE_SHARE:
            self._breath_s = min(BREATH_S, max(2 * self._breath_s, SHORTEST_BREATH_S))
        return self._breath_s if filled and self._breath_s >= SHORTEST_BREATH_S else 0.0

    def deadline(self) -> float | None:
        """When an unfinished line is due (monotonic); None while there is none."""
        return min([due for writer in self._writers.values() if (due := writer.deadline()) is not None], default=None)

    def flush_due(self, now: float) -> None:
        """Write the unfinished lines whose end has kept us waiting for long enough."""
        for writer in self._writers.values():
            due = writer.deadline()
            if due is not None and due <= now:
                writer.flush_pending()

    def look_after(self) -> None:
        """See that the files are where they belong, also while nothing is written. To be called now and then."""
        for writer in self._writers.values():
            writer.look_after()
        for trouble in self._troubles:
            trouble.note()
        if not self._is_flooded:
            self._narrow()
        self._is_flooded = False

    def _narrow(self) -> None:
        """Give back what a flood was read with: the system grants a user only so many pages in all his pipes."""
        if len(self._buffer) > READ_BYTES:
            self._buffer = bytearray(READ_BYTES)
        for handle, capacity in self._capacities.items():
            if capacity > READ_BYTES and posix.resize_pipe(handle, READ_BYTES):
                self._capacities[handle] = READ_BYTES

    def finish(self) -> None:
        """Move what is left in the pipes, and close the log."""
        for handle, writer in self._writers.items():
            while handle in self._selector.get_map() and self.pump(handle):
                continue
            writer.close()

    def gather_news(self, now: float, *, is_end: bool = False) -> list[Record]:
        """What there is to tell of faults and gaps since the last call; at the run's end all of it."""
        return [news for trouble in self._troubles for news in trouble.gather(now, is_end=is_end)]


class Trouble:
    """What has not been told yet of the faults of one writer."""

    def __init__(self, stream: str, directory: str, writer: RotatingWriter) -> None:
        self._stream = stream
        self._directory = directory
        self._writer = writer
        self._quiet_until = 0.0
        self._is_fault_told = False
        self._dropped_bytes = 0
        self._since = self._until = 0.0
        """Wall clock, from the first to the last of the bytes that were dropped."""
        self._reason = ""

    def note(self) -> None:
        """Add up what has ended since the last time."""
        for gap in self._writer.take_gaps():
            if not self._reason:
                self._since = gap.since
            self._dropped_bytes += gap.dropped_bytes
            self._until = gap.until
            self._reason = gap.reason

    def gather(self, now: float, *, is_end: bool) -> list[Record]:
        """The records to tell at `now` (monotonic), which are forgotten then."""
        self.note()
        news: list[Record] = []
        if now < self._quiet_until and not is_end:
            return news
        fault = self._writer.fault()
        if fault and not self._is_fault_told:
            self._is_fault_told = True
            news.append([("event", "fault"), ("message", self._describe_fault(fault))])
        elif self._reason and not fault:
            news.append([("event", "gap"), *self._describe_gap()])
            self._dropped_bytes, self._reason, self._is_fault_told = 0, "", False
            self._quiet_until = now + QUIET_S
        return news

    def _describe_fault(self, reason: str) -> str:
        return (
            f"its {self._stream} cannot be logged: {reason}; mend {self._directory}"
            " (what it writes meanwhile is counted, not kept)"
        )

    def _describe_gap(self) -> Record:
        lost = f"{self._dropped_bytes:,} bytes of its {self._stream} were lost"
        return [
            (
                "message",
                f"{lost if self._dropped_bytes else f'nothing of its {self._stream} was lost'}: {self._reason}",
            ),
            ("stream", self._stream),
            ("dropped_bytes", str(self._dropped_bytes)),
            ("reason", self._reason),
            ("since", repr(self._since)),
            ("until", repr(self._until)),
        ]
