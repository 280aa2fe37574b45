"""The supervisor: one thread that hears everything, decides through the pure reconciler, and publishes snapshots.

Everything mutable about instances belongs to this thread. Others talk to it by `post`.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import assert_never

from engine.errors import EngineError
from engine.reconciler import Wait, decide
from engine.snapshots import (
    EventType,
    LeaderInfo,
    Level,
    Snapshot,
    Target,
)
from engine.state.events import Retention
from engine.supervision import takeover
from engine.supervision.arrivals import Arrivals
from engine.supervision.checkups import Checkups
from engine.supervision.fleet import REMOVED
from engine.supervision.hands import Hands
from engine.supervision.kit import Kit
from engine.supervision.measures import Measures
from engine.supervision.messages import (
    CloseAsked,
    ConfigRead,
    Differs,
    EndJudged,
    FaultTold,
    HealthJudged,
    KeeperGone,
    KeeperSaid,
    LoadsRead,
    Measured,
    Message,
    MetricsServed,
    OrphanCleared,
    RequestFiled,
    RunExamined,
    StartDone,
    Yielding,
)
from engine.supervision.notes import Notes
from engine.supervision.reconciliation import Discrepancy
from engine.supervision.slot import Slot
from engine.supervision.starter import LockHeld, Started
from engine.supervision.surroundings import Surroundings
from engine.supervision.why import explain_waits

PUBLISH_PERIOD_S = 0.1
DAY_S = 86400.0
STEPS = 20
"""Decisions in a row about one instance; more would mean that it goes round in circles."""


@dataclass(frozen=True, slots=True)
class Mandate:
    """In what capacity a supervisor acts."""

    leader: LeaderInfo
    scope: frozenset[str] | None = None
    """The instances it may act on (a command that leads for what it was told); None is all."""

    def covers(self, name: str) -> bool:
        """True when it may act on this instance."""
        return self.scope is None or name in self.scope


class Supervisor:
    """Decides and publishes. Its thread is started by `start` and ended by `close`."""

    def __init__(
        self,
        kit: Kit,
        mandate: Mandate,
        inbox: queue.SimpleQueue[Message],
        dirty: set[str],
        random: Random,
        publish: Callable[[Snapshot], None],
    ) -> None:
        """`dirty` holds the names to decide about; the desk adds to it."""
        self._kit = kit
        self._home = kit.home
        self._clock = kit.clock
        self._fleet = kit.fleet
        self.journal = kit.journal
        """The event log, for the engine that is being put together."""
        self._desk = kit.desk
        self._hands = Hands(kit)
        self._notes = Notes(kit)
        self._checkups = Checkups(kit)
        self._mandate = mandate
        self._inbox = inbox
        self._dirty = dirty
        self._random = random
        self._publish = publish
        self._surroundings = Surroundings(kit.home, kit.clock, kit.journal)
        self._arrivals = Arrivals(kit, self._notes, self._checkups, self._surroundings)
        self._measures = Measures(kit, self._notes, self._surroundings)
        self._seq = 0
        self._published_mono = float("-inf")
        self._is_changed = True
        self._idle = threading.Event()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begin to supervise; `take_over` comes first."""
        self._thread.start()

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until nobody waits for an answer, at most `timeout_s` seconds; False when that was too short."""
        return self._idle.wait(timeout_s)

    def close(self) -> None:
        """End the thread, after what is already in the inbox."""
        self._inbox.put(CloseAsked())
        if self._thread.is_alive():
            self._thread.join()

    # -- the take-over

    def take_over(self, remembered: takeover.Remembered) -> None:
        """Find out what is true of every instance. Called before `start`, on the caller's thread."""
        self._arrivals.remembered = remembered
        self._arrivals.take_up(self._select_covered(self._known_names(remembered)))
        for slot in self._fleet:
            if not self._mandate.covers(slot.name):
                self._arrivals.look_at(slot)
        self._dirty.update(self._fleet.slots)

    def _widen(self, target: Target) -> None:
        """Have a command that leads for what it was told lead for what another command tells it, too."""
        scope, names = self._mandate.scope, []
        with contextlib.suppress(EngineError):  # the desk refuses it, with the reason
            names = self._fleet.resolve(target)
        if scope is None or not names:
            return
        wider = {*self._fleet.with_dependencies(names), *self._fleet.with_dependents(names)}
        self._mandate = replace(self._mandate, scope=scope | wider)
        self._arrivals.take_up(sorted(wider - scope))
        self._dirty.update(wider)

    def _select_covered(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self._mandate.covers(name)]

    def _known_names(self, remembered: takeover.Remembered) -> Iterable[str]:
        return dict.fromkeys([*self._fleet.slots, *remembered.runtime, *takeover.find_run_names(self._home)])

    # -- the loop

    def _run(self) -> None:
        while not self._is_closing:
            self._decide_all()
            began = self._clock.monotonic()
            is_told = (answers := self._desk.next_answers()) is not None and answers <= began
            self._publish_if_due(force=is_told)
            if is_told:
                self._desk.deliver(self._clock.monotonic() - began)
            (self._idle.set if self._desk.is_idle() else self._idle.clear)()
            try:
                self._handle_safely(self._inbox.get(timeout=self._wait_s()))
                for _ in range(self._inbox.qsize()):
                    self._handle_safely(self._inbox.get_nowait())
            except queue.Empty:
                continue
        self._desk.close()
        for slot in self._fleet:
            if slot.run is not None:
                self._kit.remember(slot)  # until now it was watched
        self._publish_if_due(force=True)
        self._desk.deliver()

    def _wait_s(self) -> float:
        """Seconds until something is due by time."""
        now = self._clock.monotonic()
        moments = [due for slot in self._fleet if (due := slot.due_mono) is not None]
        if self._is_changed:
            moments.append(self._published_mono + PUBLISH_PERIOD_S)
        if (answers := self._desk.next_answers()) is not None:
            moments.append(answers)
        if (expiry := self._desk.next_expiry()) is not None:
            moments.append(now + max(0.0, expiry - self._clock.wall()))
        return max(0.0, min(moments, default=now + 3600.0) - now)

    def _decide_all(self) -> None:
        """Decide about every instance that something has happened to, until there is nothing more to do."""
        now = self._clock.monotonic()
        self._desk.expire(self._clock.wall())
        for slot in self._fleet:
            if slot.due_mono is not None and slot.due_mono <= now:
                self._dirty.add(slot.name)
        while self._dirty:
            name = self._dirty.pop()
            found = self._fleet.slots.get(name)
            if found is not None and self._mandate.covers(name) and not found.unspoken:
                try:
                    self._direct(found)
                except Exception as error:  # noqa: BLE001 - a mistake of ours about one instance must not end the watch
                    self._surroundings.note_mistake(f"deciding about {name}", error)

    def _direct(self, slot: Slot) -> None:
        before = (slot.state, slot.is_alive)
        for _ in range(STEPS):
            facts = slot.gather(
                self._clock.monotonic(),
                dependencies_ready=not (self._fleet.unready_dependencies(slot.name) or self._fleet.leaving(slot.name)),
                has_live_dependents=self._fleet.has_live_dependents(slot.name),
                jitter=self._random.uniform(-1.0, 1.0),
            )
            action = decide(slot.desired, facts, slot.policy, self._clock.monotonic())
            if isinstance(action, Wait) or not self._hands.carry_out(slot, action):
                break
        self._is_changed = True
        if (slot.state, slot.is_alive) != before:
            self._mark_neighbours(slot.name)

    def _mark_neighbours(self, name: str) -> None:
        """Who depends on an instance, is needed by it, or waits for its end, has something new to decide about."""
        self._dirty.update(self._fleet.dependents(name), self._fleet.dependencies(name), self._fleet.held_by(name))

    # -- messages

    def _handle_safely(self, message: Message) -> None:
        try:
            self._handle(message)
        except Exception as error:  # noqa: BLE001 - one message that we cannot take must not end the watch over all
            self._surroundings.note_mistake(f"taking in {type(message).__name__}", error)

    def _handle(self, message: Message) -> None:
        if isinstance(message, HealthJudged):
            self._handle_health(message)  # the most frequent one, and most of the time it changes nothing
            return
        self._is_changed = True
        match message:
            case RequestFiled():
                self._widen(message.request.target)
                self._arrivals.look_again()
                self._desk.accept(message.request, message.future)
            case ConfigRead():
                self._reread_config(message)
            case KeeperSaid() | KeeperGone() | StartDone() | OrphanCleared() | EndJudged():
                self._handle_instance(message)
            case Differs():
                self._correct(message.discrepancy)
            case Measured():
                self._measures.note_usage(message)
            case LoadsRead():
                self._measures.note_loads(message)
            case RunExamined():
                self._notes.note_examined(self._fleet.slots.get(message.name), message)
            case FaultTold() | MetricsServed():
                self._surroundings.note_told(message)
            case Yielding():
                self.journal.tell(None, EventType.YIELDED, message.words, message.level)
            case CloseAsked():
                self._is_closing = True
            case _:
                assert_never(message)

    def _handle_health(self, message: HealthJudged) -> None:
        slot = self._fleet.slots.get(message.name)
        if slot is None:
            return
        before = slot.state
        if self._checkups.note(slot, message):
            self._is_changed = True
            self._dirty.add(slot.name)
        if slot.state is not before:
            self._mark_neighbours(slot.name)

    def _handle_instance(self, message: KeeperSaid | KeeperGone | StartDone | OrphanCleared | EndJudged) -> None:
        slot = self._fleet.slots.get(message.name)
        if slot is None:
            return
        before = (slot.state, slot.is_alive)
        match message:
            case KeeperSaid():
                self._notes.note_said(slot, message.record)
            case KeeperGone():
                self._notes.note_gone(slot, message.run_id)
            case StartDone():
                self._note_start(slot, message)
            case OrphanCleared():
                self._notes.note_cleared(slot, message.result)
            case EndJudged():
                self._notes.note_judged(slot, message)
            case _:
                assert_never(message)
        self._dirty.add(slot.name)
        if (slot.state, slot.is_alive) != before:
            self._mark_neighbours(slot.name)

    def _correct(self, one: Discrepancy) -> None:
        if not self._mandate.covers(one.name):
            return
        self._arrivals.correct(one)
        self._dirty.add(one.name)
        self._mark_neighbours(one.name)

    def _note_start(self, slot: Slot, message: StartDone) -> None:
        match message.result:
            case Started():
                self._notes.note_started(slot, message.result)
            case LockHeld():
                slot.is_busy, slot.launching = False, ""
                slot.is_orphaned = True
            case _:
                self._notes.note_refused(slot, message.result)

    def apply_config(self, message: ConfigRead) -> None:
        """Put a configuration file in force."""
        known = {slot.name: slot.config_error for slot in self._fleet}
        changed = self._fleet.apply(message.loaded)
        for slot in self._fleet:
            if slot.config_error == REMOVED and known.get(slot.name) != REMOVED:
                self.journal.tell(slot.name, EventType.RECONFIGURED, REMOVED, Level.WARNING, who="file")
        for name in changed:
            words = "its table in the file has changed"
            self.journal.tell(name, EventType.RECONFIGURED, words, Level.INFO, who="file")
            self._notes.take_config(self._fleet.slots[name])
        self._surroundings.note_config(message.loaded)
        kept = self._fleet.config.events
        self._kit.expiry.follow(Retention(kept.retention_days * DAY_S, kept.max_rows))
        self._dirty.update(self._fleet.slots, known)

    def _reread_config(self, message: ConfigRead) -> None:
        """The file has changed: what leaves it is kept in mind, what comes (back) is taken up."""
        before = dict(self._fleet.slots)
        self.apply_config(message)
        self._arrivals.forget([slot for name, slot in before.items() if name not in self._fleet.slots])
        self._arrivals.take_up(self._select_covered(name for name in self._fleet.slots if name not in before))

    # -- publishing

    def _publish_if_due(self, *, force: bool = False) -> None:
        now = self._clock.monotonic()
        if not force and (not self._is_changed or now - self._published_mono < PUBLISH_PERIOD_S):
            return
        self._published_mono = now
        self._is_changed = False
        self._seq += 1
        wall = self._clock.wall()
        instances = tuple(slot.build_snapshot(wall, now) for slot in self._fleet)
        self._publish(
            Snapshot(
                seq=self._seq,
                taken_at=wall,
                leader=self._mandate.leader,
                is_leader=True,
                instances=explain_waits(instances, {slot.name: slot.waits_for for slot in self._fleet}),
                events=self.journal.recent,
                host=self._surroundings.host,
                faults=self._surroundings.faults,
                config_path=self._surroundings.config_path,
                config_exists=self._surroundings.config_exists,
                on_exit=self._fleet.config.dashboard.on_exit,
                confirm=self._fleet.config.dashboard.confirm,
                notify=self._fleet.config.dashboard.notify,
                has_title=self._fleet.config.dashboard.title,
                keys=tuple(self._fleet.config.keys.items()),
                profiles=self._fleet.profiles,
            )
        )
