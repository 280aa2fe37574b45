"""The leader's rounds: a thread that compares what is published with what is there, again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.paths import Home
from engine.snapshots import Snapshot
from engine.supervision.reconciliation import Discrepancy, Drift, Memory, reconcile_all

PERIOD_S = 2.0
"""What is seen at two looks in a row is corrected: within 5 s of its beginning, process and port included."""


class Rounds:
    """`on_found` is called on its thread, once for every matter that is not just passing."""

    def __init__(
        self,
        home: Home,
        look: Callable[[], Snapshot],
        on_found: Callable[[Discrepancy], None],
        on_fault: Callable[[str], None],
    ) -> None:
        """`look` gives what is believed at this moment; `on_fault` is told of trouble, and of its end (empty)."""
        self._home = home
        self._look = look
        self._on_found = on_found
        self._on_fault = on_fault
        self._memory = Memory()
        self._suspected: set[tuple[str, Drift, str, int | None]] = set()
        self._trouble = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rounds", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_S):
            trouble = ""
            try:
                self._go_round()
            except Exception as error:  # noqa: BLE001 - the top of a thread: the next round may go well
                trouble = f"looking at what runs: {error!r}"
            if trouble != self._trouble:
                self._trouble = trouble
                self._on_fault(trouble)

    def _go_round(self) -> None:
        found = reconcile_all(self._home, self._look(), self._memory)
        for one in found:
            # What is on its way to being told looks wrong for a moment. A run found is there, whatever comes.
            if one.drift is Drift.RUN_FOUND or one.identity in self._suspected:
                self._on_found(one)
        self._suspected = {one.identity for one in found}
