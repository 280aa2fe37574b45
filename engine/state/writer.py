"""The thread that writes the state database, so that a locked or full one never keeps anybody from acting.

What is to be written waits in order; while the database refuses, it is kept in memory and tried again, and the fault
is told. Nothing is lost but what is still waiting when the process is killed.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from engine.errors import StateError
from engine.snapshots import Desired
from engine.state.store import Store, open_store
from engine.state.trouble import describe_trouble

Write = Callable[[Store], None]

RETRY_DELAY_S = 1.0
BATCH = 500
"""Writes in one transaction at most."""
BACKLOG = 100_000
"""Writes kept while the database refuses; beyond it the oldest are dropped and counted."""


class StateWriter:
    """Owns the writing connection. `submit` may be called from any thread."""

    def __init__(self, path: Path, on_fault: Callable[[str], None], busy_timeout_s: float = 2.0) -> None:
        self._path = path
        self._on_fault = on_fault
        self._busy_timeout_s = busy_timeout_s
        self._condition = threading.Condition()
        self._waiting: deque[Write] = deque()
        self._in_hand = 0
        self._dropped = 0
        self._is_closing = False
        self._is_faulty = False
        self._has_told = False
        self._interrupt = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state-writer", daemon=True)

    def start(self) -> None:
        """Begin writing."""
        self._thread.start()

    def submit(self, write: Write) -> None:
        """Have `write` carried out inside a transaction, after all that was submitted before."""
        with self._condition:
            self._waiting.append(write)
            if len(self._waiting) > BACKLOG:
                self._waiting.popleft()
                self._dropped += 1
            self._condition.notify_all()

    def save_desired(self, name: str, desired: Desired, who: str, ts: float) -> None:
        """Have an operator's (or policy's) wish about an instance written."""
        self.submit(lambda store: store.save_desired(name, desired, who, ts))

    def count_waiting(self) -> int:
        """How many writes are not stored yet. From any thread."""
        return len(self._waiting) + self._in_hand

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything submitted is stored; False when that took longer than `timeout_s` seconds."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._waiting and not self._in_hand, timeout_s)

    def close(self, timeout_s: float = 2.0) -> None:
        """Store what is waiting, as far as `timeout_s` seconds allow, and end the thread."""
        if not self._thread.is_alive():
            return
        self.flush(timeout_s)
        with self._condition:
            self._is_closing = True
            self._condition.notify_all()
        self._interrupt.set()
        self._thread.join()

    def _run(self) -> None:
        store: Store | None = None
        while batch := self._take():
            while not self._is_closing or not self._is_faulty:
                try:
                    store = store or open_store(self._path, busy_timeout_s=self._busy_timeout_s)
                    if store is None:
                        break
                    with store.transaction():
                        for write in batch:
                            write(store)
                    self._report("")
                    break
                except (sqlite3.Error, StateError, OSError) as error:
                    if store is not None:
                        store.close()
                        store = None
                    self._report(
                        f"{describe_trouble(self._path, error)}; supervision goes on, what happens is kept in memory"
                    )
                    self._interrupt.wait(RETRY_DELAY_S)
            with self._condition:
                self._in_hand = 0
                self._condition.notify_all()
        if store is not None:
            store.close()

    def _take(self) -> list[Write]:
        """The next batch, waited for; empty at the end."""
        with self._condition:
            self._condition.wait_for(lambda: self._waiting or self._is_closing)
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            self._in_hand = len(batch)
            return batch

    def _report(self, message: str) -> None:
        if self._dropped and message:
            message += f" ({self._dropped} records had to be dropped)"
        if bool(message) != self._is_faulty or not self._has_told:
            self._has_told = True  # the first word counts in any case: others may have met the fault before
            self._is_faulty = bool(message)
            self._on_fault(message)
