"""Carrying out what was decided for one instance.

Owned by the supervisor's thread; what may block goes to the workers, and its result comes back as a message.
"""

from __future__ import annotations

import uuid
from typing import assert_never

from engine.errors import ConfigError, EngineError, StartFailedError
from engine.process.orphans import clear_orphans
from engine.reconciler import (
    Action,
    AskToStop,
    BackOff,
    BecomeStopped,
    ClearOrphan,
    GiveUp,
    HoldBack,
    Intent,
    Launch,
    Wait,
)
from engine.snapshots import Act, Desired, EventType, Health, Level, Status
from engine.supervision.kit import Kit
from engine.supervision.messages import OrphanCleared, StartDone
from engine.supervision.slot import Slot
from engine.supervision.starter import StartOrder
from engine.supervision.why import describe_exit


class Hands:
    """Everything that acts on instances."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def carry_out(self, slot: Slot, action: Action) -> bool:
        """Do what was decided; True when another decision may follow at once."""
        match action:
            case Wait():
                return False
            case Launch():
                self._launch(slot, action)
            case AskToStop():
                return self._ask_to_stop(slot, action.intent)
            case ClearOrphan():
                self._clear_orphan(slot)
            case BecomeStopped():
                self._become_stopped(slot, by_policy=action.by_policy)
            case BackOff():
                self._back_off(slot, action)
            case GiveUp():
                self._give_up(slot, action)
            case HoldBack():
                self._hold_back(slot)
                return False
            case _:
                assert_never(action)
        self._kit.remember(slot)
        return True

    def _launch(self, slot: Slot, action: Launch) -> None:
        if slot.spec is None:
            raise AssertionError(f"{slot.name}: launch without a configuration")
        slot.end = None
        slot.retry_mono = None
        slot.waits_for = ()
        slot.was_blocked = False
        slot.wants_replacement = False
        slot.failures = action.failures
        slot.status = Status.STARTING
        slot.health = Health.UNKNOWN
        slot.health_detail = ""
        slot.is_busy = True
        if action.is_automatic:
            slot.restarts += 1
            self._kit.journal.tell(
                slot.name, EventType.RESTARTING, f"automatic restart {slot.restarts}", Level.INFO, who="policy"
            )
        slot.launching = uuid.uuid4().hex[:12]
        order = StartOrder(
            slot.name,
            slot.launching,
            slot.spec,
            self._kit.fleet.config.server.binary,
            slot.last_port,
            self._kit.fleet.claimed_ports(slot.name),
        )
        self._kit.pool.submit(self._start, order)

    def _start(self, order: StartOrder) -> None:
        """On a worker."""
        try:
            self._kit.post(StartDone(order.name, self._kit.starter.start(order)))
        except EngineError as error:
            self._kit.post(StartDone(order.name, error))
        except Exception as error:  # noqa: BLE001 - the top of a worker: whatever it is, the instance must not hang
            self._kit.post(StartDone(order.name, EngineError(f"{order.name}: start failed: {error!r}")))

    def _ask_to_stop(self, slot: Slot, intent: Intent) -> bool:
        run = slot.run
        grace_s = slot.grace_s
        order = [("order", "stop"), ("intent", intent.value), ("grace", repr(grace_s))]
        if run is None or not self._kit.watcher.send(slot.name, order):
            return False  # the connection has just closed: the end is on its way to us
        run.expect_end(self._kit.clock.monotonic(), grace_s)
        slot.status = Status.STOPPING
        reason = {Intent.UNHEALTHY: f"unhealthy: {slot.health_detail}", Intent.RESTART: "to be started again"}
        self._kit.journal.tell(
            slot.name,
            EventType.STOPPING,
            f"PID {run.pid} asked to end" + (f" ({reason[intent]})" if intent in reason else ""),
            Level.INFO,
            intent=intent.value,
            who="policy" if intent is Intent.UNHEALTHY else slot.asked_by,
        )
        self._kit.remember(slot)
        return True

    def _clear_orphan(self, slot: Slot) -> None:
        slot.is_busy = True
        slot.status = Status.STOPPING
        self._kit.journal.tell(
            slot.name,
            EventType.ORPHANED,
            "its keeper does not answer; if it stays silent, what it left running is ended",
            Level.WARNING,
        )
        self._kit.pool.submit(self._clear, slot.name)

    def _clear(self, name: str) -> None:
        """On a worker."""
        try:
            self._kit.post(OrphanCleared(name, clear_orphans(self._kit.home, name, self._kit.stop)))
        except EngineError as error:
            self._kit.post(OrphanCleared(name, error))
        except Exception as error:  # noqa: BLE001 - the top of a worker: whatever it is, the instance must not hang
            self._kit.post(OrphanCleared(name, EngineError(f"{name}: clearing up failed: {error!r}")))

    def _become_stopped(self, slot: Slot, *, by_policy: bool) -> None:
        slot.end = None
        slot.retry_mono = None
        slot.waits_for = ()
        slot.was_blocked = False
        slot.status = Status.STOPPED
        slot.health = Health.UNKNOWN
        slot.wants_replacement = False
        slot.undo_desired = None
        if by_policy:
            slot.desired = Desired.STOPPED
            self._kit.writer.save_desired(slot.name, Desired.STOPPED, "policy", self._kit.clock.wall())
        else:
            slot.last.error = ""
        words = "ended well by itself: its restart policy leaves it so" if by_policy else "stopped"
        who = "policy" if by_policy else slot.asked_by
        self._kit.journal.tell(slot.name, EventType.STOPPED, words, Level.INFO, who=who)
        self._kit.desk.settle(slot.name, Act.STOP)

    def _back_off(self, slot: Slot, action: BackOff) -> None:
        slot.end = None
        slot.failures = action.failures
        slot.status = Status.BACKOFF
        slot.retry_mono = action.until
        delay_s = action.until - self._kit.clock.monotonic()
        self._kit.journal.tell(
            slot.name,
            EventType.RESTARTING,
            f"retry {action.failures} of {slot.policy.max_retries} in {delay_s:.1f} s",
            Level.WARNING,
            delay_s=round(delay_s, 3),
        )

    def _give_up(self, slot: Slot, action: GiveUp) -> None:
        slot.end = None
        slot.failures = action.failures
        slot.status = Status.FAILED
        slot.was_blocked = action.is_blocked
        how = slot.last.error or describe_exit(slot.last.code, slot.last.signal)
        slot.last.error = f"{how} ({action.reason})" if how and action.reason not in how else action.reason
        self._kit.journal.tell(
            slot.name, EventType.FAILED, f"given up: {slot.last.error}", Level.ERROR, **slot.last.build_meta()
        )
        kind = ConfigError if action.is_blocked else StartFailedError
        self._kit.desk.settle(slot.name, Act.START, kind(f"{slot.name}: {slot.last.error}"))

    def _hold_back(self, slot: Slot) -> None:
        needed = self._kit.fleet.unready_dependencies(slot.name)
        waits_for = (*self._kit.fleet.leaving(slot.name), *needed)
        slot.status = Status.STOPPED
        slot.retry_mono = None
        if waits_for != slot.waits_for:
            slot.waits_for = waits_for
            self._kit.journal.tell(slot.name, EventType.WAITING, f"waiting for {', '.join(waits_for)}", Level.INFO)
        if needed:  # what it waits for otherwise ends soon
            slot.undo_desired = None  # who asked is answered: from here on it is wanted, whatever comes
            self._kit.desk.settle(slot.name, Act.START, note=f"waiting for {', '.join(waits_for)}")
