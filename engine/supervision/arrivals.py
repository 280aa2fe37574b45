"""Taking up what is there: living runs are adopted, ends nobody has judged are, orphans are marked, errors corrected.

Owned by the supervisor's thread (before that runs, by whoever puts the engine together).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import assert_never

from engine.process.orphans import clear_run
from engine.process.records import get_value
from engine.process.unlocked import find_unlocked
from engine.snapshots import Desired, EventType, Health, Level, Status
from engine.supervision import takeover
from engine.supervision.checkups import Checkups
from engine.supervision.kit import Kit
from engine.supervision.messages import HealthJudged
from engine.supervision.notes import Notes
from engine.supervision.reconciliation import Discrepancy, Drift
from engine.supervision.slot import Slot
from engine.supervision.surroundings import Surroundings


class Arrivals:
    """What a new leader does with each instance, and a leader with one that it is told to lead for."""

    def __init__(self, kit: Kit, notes: Notes, checkups: Checkups, surroundings: Surroundings) -> None:
        self._kit = kit
        self._notes = notes
        self._checkups = checkups
        self._surroundings = surroundings
        self.remembered = takeover.Remembered({}, {})
        """What the database says of the time before."""
        self._leftovers: set[int] = set()
        """PIDs of processes that outlived their keeper, told already."""

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

    def correct(self, one: Discrepancy) -> None:
        """Take in that an instance is otherwise than believed; what changed since then is left alone."""
        slot = self._kit.fleet.slots.get(one.name)
        match one.drift:
            case Drift.RUN_FOUND:
                self._take_in(slot, one)
            case Drift.SERVER_GONE if slot is not None:
                self._notes.note_gone(slot, one.run_id)
            case Drift.PORT_TAKEN if slot is not None and slot.run is not None:
                verdict = replace(slot.run.verdict, health=Health.UNHEALTHY, detail=one.words, note="")
                self._checkups.note(slot, HealthJudged(one.name, one.run_id, verdict, None))
            case Drift.LEFT_OVER:
                self._end_leftover(one)
            case Drift.SERVER_GONE | Drift.PORT_TAKEN:
                return  # its table is gone, and so is its run
            case _:
                assert_never(one.drift)

    def _take_in(self, slot: Slot | None, one: Discrepancy) -> None:
        line = one.found.line
        if slot is not None and slot.is_alive:
            if line is not None:
                line.connection.close()
            return
        if slot is None:
            slot = self._kit.fleet.slots[one.name] = Slot(one.name, config_error=self._surroundings.explain_missing())
        self._note_found(slot, one.found)

    def _end_leftover(self, one: Discrepancy) -> None:
        if one.pid is not None and one.pid not in self._leftovers:
            self._leftovers.add(one.pid)
            self._kit.journal.tell(one.name, EventType.ORPHANED, f"{one.words}: killed", Level.WARNING, pid=one.pid)
        self._kit.pool.submit(clear_run, self._kit.home, one.name, one.run_id)

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


def want_autostart(kit: Kit, boot_time: float, decided: Mapping[str, float]) -> None:
    """Want every `autostart` instance that nobody has decided about since the machine was booted.

    `decided` tells when somebody last did (wall clock).
    """
    for slot in kit.fleet:
        if slot.spec is None or not slot.spec.autostart or slot.desired is Desired.RUNNING:
            continue
        if decided.get(slot.name, 0.0) < boot_time:
            slot.desired, slot.asked_by = Desired.RUNNING, "autostart"
            kit.writer.save_desired(slot.name, Desired.RUNNING, "autostart", kit.clock.wall())
            kit.journal.tell(slot.name, EventType.REQUESTED, "autostart", Level.INFO, who="autostart")
