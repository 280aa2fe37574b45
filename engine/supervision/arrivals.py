"""Taking up what is there already: living runs are adopted, ends nobody has judged are, orphans are marked.

Owned by the supervisor's thread (before that runs, by whoever puts the engine together).
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.process.orphans import find_unlocked
from engine.process.records import get_value
from engine.snapshots import Desired, Status
from engine.supervision import takeover
from engine.supervision.kit import Kit
from engine.supervision.notes import Notes
from engine.supervision.slot import Slot
from engine.supervision.surroundings import Surroundings


class Arrivals:
    """What a new leader does with each instance, and a leader with one that it is told to lead for."""

    def __init__(self, kit: Kit, notes: Notes, surroundings: Surroundings) -> None:
        self._kit = kit
        self._notes = notes
        self._surroundings = surroundings
        self.remembered = takeover.Remembered({}, {})
        """What the database says of the time before."""

    def take_up(self, names: Iterable[str]) -> None:
        """Find out what is true of these instances."""
        unlocked = find_unlocked(self._kit.home, names)
        for name in names:
            row = self.remembered.runtime.get(name)
            self.note(name, takeover.find_run(self._kit.home, name, row, self._kit.clock, unlocked))
        takeover.make_locks(self._kit.home, [name for name in names if name not in unlocked])

    def note(self, name: str, found: takeover.Found) -> None:
        """What is true of one instance."""
        slots = self._kit.fleet.slots
        slot = slots.get(name)
        if slot is None and (found.line is not None or found.is_orphaned or found.unspoken):
            slot = slots[name] = Slot(name, config_error=self._surroundings.explain_missing())
        if slot is not None:
            takeover.recall(slot, self.remembered, self._kit.clock)
            self._note_found(slot, found)

    def look_again(self) -> None:
        """See whether runs that we cannot talk with have ended: nobody tells."""
        self.take_up([slot.name for slot in self._kit.fleet if slot.unspoken])

    def forget(self, slots: Iterable[Slot]) -> None:
        """These leave the configuration; should their tables come back, they are as they were left, wishes included."""
        self.remembered = self.remembered.with_slots(slots, self._kit.clock)

    def look_at(self, slot: Slot) -> None:
        """Remember an instance that somebody else acts on; its port is taken all the same."""
        takeover.recall(slot, self.remembered, self._kit.clock)
        if port := takeover.find_run_port(self._kit.home, slot.name):
            self._kit.ports.note(slot.name, port)

    def _note_found(self, slot: Slot, found: takeover.Found) -> None:
        if found.unspoken or slot.unspoken:
            self._notes.note_unspoken(slot, found.unspoken)
        row = self.remembered.runtime.get(slot.name)
        is_stopping = found.line is not None and bool(get_value(found.line.greeting, "intent"))
        if slot.desired is Desired.STOPPED and not is_stopping and takeover.is_unheard_of(row, found.run_id):
            slot.desired = Desired.RUNNING
            self._kit.writer.save_desired(slot.name, Desired.RUNNING, "adopted", self._kit.clock.wall())
        slot.is_orphaned = found.is_orphaned
        if found.line is not None:
            self._notes.adopt(slot, found.line, takeover.remembered_health(row, found.run_id))
        elif found.end is not None:
            slot.status = Status.STOPPED
            self._notes.note_end(slot, found.end, None)
