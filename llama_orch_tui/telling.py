"""Telling a daemon's events: each once, into its log, and to whoever watches its output for as long as they keep up."""

from __future__ import annotations

import os
import queue
import threading

from engine.daemon.diary import Diary
from engine.snapshots import Event, Snapshot
from llama_orch_tui.output import format_event

STDOUT = 1
KEPT_LINES = 10_000
"""What waits for a reader who is behind, at most."""
END_LIMIT_S = 1.0
"""How long the end of the daemon waits for that reader."""


class Teller:
    """Tells every event once, as it happens. `tell` is called on one thread at a time, and never waits for a reader.

    Args:
        diary: The daemon's log, which gets everything.
        is_quiet: Print nothing.
        output: The descriptor to print to; the caller keeps it open until `close` has returned.
    """

    def __init__(self, diary: Diary, *, is_quiet: bool, output: int = STDOUT) -> None:
        self._diary = diary
        self._last: Event | None = None
        self._printer = None if is_quiet else Printer(output)

    def tell(self, snapshot: Snapshot) -> None:
        """Tell what is new in a snapshot."""
        known = self._last
        fresh = snapshot.events
        if known is not None and known in fresh:
            fresh = fresh[fresh.index(known) + 1 :]
        elif known is not None:
            fresh = tuple(event for event in fresh if event.ts > known.ts)
        else:
            fresh = tuple(event for event in fresh if snapshot.leader and event.ts >= snapshot.leader.since)
        if not fresh:
            return
        self._last = fresh[-1]
        for event in fresh:
            self._diary.note_event(event)
            if self._printer is not None:
                self._printer.print(format_event(event))

    def close(self) -> None:
        """Print what waits, unless nobody reads it."""
        if self._printer is not None:
            self._printer.close()


class Printer:
    """Lines to a descriptor, from a thread of its own.

    A pipe that nobody reads, or a terminal stopped with ctrl+s, takes nothing for as long as it likes, and supervision
    has to go on meanwhile. What it writes goes past Python's own buffer, whose lock a stuck writer would hold at the
    end of the process.
    """

    def __init__(self, output: int) -> None:
        self._output = output
        self._lines: queue.Queue[str | None] = queue.Queue(KEPT_LINES)
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)
        self._thread.start()

    def print(self, line: str) -> None:
        """Have a line printed in its turn; it is dropped, and counted, when too many wait."""
        if self._dropped:
            line = f"{line}\n({self._dropped} events before this one were not printed: nobody read; the log has them)"
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1
        else:
            self._dropped = 0

    def close(self) -> None:
        """Wait for a moment until everything is printed. Who is stuck in a write is left there, and ends with us."""
        try:
            self._lines.put(None, timeout=END_LIMIT_S)
        except queue.Full:
            return
        self._thread.join(END_LIMIT_S)

    def _run(self) -> None:
        is_heard = True
        while (line := self._lines.get()) is not None:
            if is_heard:
                is_heard = self._write(f"{line}\n".encode("utf-8", "backslashreplace"))

    def _write(self, data: bytes) -> bool:
        """False when the terminal or the pipe has gone; the log has it all."""
        try:
            while data:
                data = data[os.write(self._output, data) :]
        except OSError:
            return False
        return True
