"""The thread of the leader that lets history expire, once an hour, and in no hurry."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from engine.clock import Clock
from engine.errors import StateError
from engine.state.events import Retention, cleanup_old_events

FIRST_DELAY_S = 20.0
"""Whoever leads for a moment only, as a command does, has better things to do."""
PERIOD_S = 3600.0
RETRY_DELAY_S = 30.0
"""After a fault, which may pass: a full disk, a locked database."""


class Expiry:
    """Owns no row: it deletes through a connection of its own. `follow` may be called from any thread."""

    def __init__(self, path: Path, clock: Clock, on_fault: Callable[[str], None]) -> None:
        """`on_fault` is called on the thread, with the trouble, or with nothing when it is over."""
        self._path = path
        self._clock = clock
        self._on_fault = on_fault
        self._retention: Retention | None = None
        self._stop = threading.Event()
        self._fault: str | None = None
        self._thread = threading.Thread(target=self._run, name="expiry", daemon=True)

    def follow(self, retention: Retention) -> None:
        """Keep so much from now on; counts at the next turn."""
        self._retention = retention

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End the thread, after the piece it is at."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        delay_s = FIRST_DELAY_S
        while not self._stop.wait(delay_s):
            delay_s = PERIOD_S
            retention = self._retention
            if retention is None:
                continue  # the file could not be read yet: nobody has said how much is to be kept
            try:
                cleanup_old_events(self._path, retention, self._clock.wall(), self._stop)
            except StateError as error:
                delay_s = RETRY_DELAY_S
                self._tell(f"{error}; what is too old stays until that is over")
            else:
                self._tell("")

    def _tell(self, fault: str) -> None:
        if fault != self._fault:
            self._fault = fault
            self._on_fault(fault)
