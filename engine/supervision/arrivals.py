"""Taking up what is there already: living runs are adopted, ends nobody has judged are, orphans are marked.

Owned by the supervisor's thread (before that runs, by whoever puts the engine together).
"""

from __future__ import annotations

from engine.snapshots import Desired, Status
from engine.supervision import takeover
from engine.supervision.kit import Kit
from engine.supervision.notes import Notes
from engine.supervision.slot import Slot, build_run
from engine.supervision.surroundings import Surroundings


class Arrivals:
    """What a new leader does with each instance, and a leader with one that it is told to lead for."""

    def __init__(self, kit: Kit, notes: Notes, surroundings: Surroundings) -> None:
        self._kit = kit
        self._notes = notes
        self._surroundings = surroundings
        self.remembered = takeover.Remembered({}, {})
        """What the database says of the time before."""

    def take_up(self, name: str) -> None:
        """Find out what is true of one instance."""
        found = takeover.find_run(self._kit.home, name, self.remembered.runtime.get(name), self._kit.clock)
        slots = self._kit.fleet.slots
        slot = slots.get(name)
        if slot is None and (found.line is not None or found.is_orphaned or found.unspoken):
            slot = slots[name] = Slot(name, config_error=self._surroundings.explain_missing())
        if slot is not None:
            takeover.recall(slot, self.remembered, self._kit.clock)
            self._note_found(slot, found)

    def look_again(self) -> None:
        """See whether runs that we cannot talk with have ended: nobody tells."""
        for slot in list(self._kit.fleet):
            if slot.unspoken:
                self.take_up(slot.name)

    def look_at(self, slot: Slot) -> None:
        """Remember an instance that somebody else acts on; its port is taken all the same."""
        takeover.recall(slot, self.remembered, self._kit.clock)
        if port := takeover.find_run_port(self._kit.home, slot.name):
            self._kit.ports.note(slot.name, port)

    def _note_found(self, slot: Slot, found: takeover.Found) -> None:
        clock = self._kit.clock
        if found.unspoken or slot.unspoken:
            self._notes.note_unspoken(slot, found.unspoken)
        if found.line is not None:
            run = build_run(found.line.greeting, clock.wall(), clock.monotonic())
            row = self.remembered.runtime.get(slot.name)
            if slot.desired is Desired.STOPPED and takeover.is_unheard_of(row, run):
                slot.desired = Desired.RUNNING
                self._kit.writer.save_desired(slot.name, Desired.RUNNING, "adopted", clock.wall())
            self._notes.note_adopted(slot, run, takeover.remembered_health(row, run.run_id))
            self._kit.watcher.watch(found.line)
        elif found.end is not None:
            slot.status = Status.STOPPED
            self._notes.note_end(slot, found.end, None)
        slot.is_orphaned = found.is_orphaned
