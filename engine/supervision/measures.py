"""Taking note of what was measured: what runs use, and what their servers have to do.

Owned by the supervisor's thread. Nothing here decides what follows.
"""

from __future__ import annotations

from engine.supervision.kit import Kit
from engine.supervision.messages import LoadsRead, Measured
from engine.supervision.notes import Notes
from engine.supervision.surroundings import Surroundings

SEEN_PERIOD_S = 10.0
"""How often the rows of running instances are written, for those who look when nobody leads."""


class Measures:
    """Everything that is measured about instances and their machine."""

    def __init__(self, kit: Kit, notes: Notes, surroundings: Surroundings) -> None:
        self._kit = kit
        self._notes = notes
        self._surroundings = surroundings
        self._seen_mono = float("-inf")

    def note_usage(self, message: Measured) -> None:
        """CPU and memory of every run, and of the host."""
        self._surroundings.host = message.host
        now = self._kit.clock.monotonic()
        is_due = now - self._seen_mono >= SEEN_PERIOD_S
        if is_due:
            self._seen_mono = now
        for slot in self._kit.fleet:
            fresh = message.usages.get(slot.name)
            if slot.run is not None and fresh is not None:
                grew = slot.usage is None or fresh.memory_bytes > slot.usage.memory_bytes
                if grew and not slot.run.is_ready:
                    self._notes.note_progress(slot)
                slot.usage = fresh
                slot.memory.note(now - slot.run.started_mono, fresh.memory_bytes)
            if is_due and slot.run is not None:
                self._kit.remember(slot)

    def note_loads(self, message: LoadsRead) -> None:
        """Live numbers of servers; who is not among them has none."""
        for slot in self._kit.fleet:
            if slot.run is not None:
                run_id, load = message.loads.get(slot.name, ("", None))
                slot.run.load = load if run_id == slot.run.run_id else None
