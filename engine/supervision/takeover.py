"""What a new leader finds: living runs to adopt, orphans to clear, ends nobody has judged yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.clock import Clock
from engine.errors import KeeperVersionError
from engine.paths import Home
from engine.process import system
from engine.process.records import get_value, read_record
from engine.process.watcher import KeeperLine, connect_keeper
from engine.reconciler import Intent
from engine.snapshots import Desired, Health, Status
from engine.state.store import RuntimeRow
from engine.supervision.exit_records import ExitRecord, read_exit_record
from engine.supervision.slot import LastEnd, Slot

GLANCE_S = 0.3
"""How long a take-over waits for one keeper; one that is silent has its time afterwards, beside all others."""
ALIVE = (Status.STARTING, Status.RUNNING, Status.STOPPING)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the database says of the time before."""

    desired: Mapping[str, Desired]
    runtime: Mapping[str, RuntimeRow]
    deciders: Mapping[str, str] = field(default_factory=dict)
    """Who wanted it so."""

    def with_slots(self, slots: Iterable[Slot], clock: Clock) -> Remembered:
        """What is known of instances that leave the configuration, for the case that they come back."""
        left = list(slots)
        now_wall, now_mono = clock.wall(), clock.monotonic()
        rows = {slot.name: slot.build_row(now_wall, now_mono, "") for slot in left}
        return Remembered(
            {**self.desired, **{slot.name: slot.desired for slot in left}}, {**self.runtime, **rows}, self.deciders
        )


@dataclass(frozen=True, slots=True)
class Found:
    """The truth about one instance, as locks and records tell it."""

    line: KeeperLine | None = None
    """A living keeper."""
    is_orphaned: bool = False
    run_id: str = ""
    """Of a run whose keeper is silent."""
    end: ExitRecord | None = None
    """An end that nobody has judged."""
    unspoken: str = ""
    """Why its keeper cannot be talked with, although it answers; empty when it can, or there is none."""


def find_run_names(home: Home) -> list[str]:
    """Names with a run file: they ran at some time, whatever the configuration says today."""
    if not home.run_dir.is_dir():
        return []
    return sorted(path.name.removesuffix(".run") for path in home.run_dir.glob("*.run"))


def find_run(home: Home, name: str, row: RuntimeRow | None, clock: Clock, unlocked: Mapping[str, str]) -> Found:
    """Look at one instance's lock, keeper and records; `unlocked` as from `find_unlocked`."""
    if system.is_locked(str(home.instance_lock(name))):
        try:
            line = connect_keeper(name, home.keeper_socket(name), GLANCE_S)
        except KeeperVersionError as error:
            return Found(unspoken=str(error))
        run_id = line.run_id if line else get_value(read_record(str(home.run_record(name))), "run")
        return Found(line=line, is_orphaned=line is None, run_id=run_id)
    if name in unlocked:
        return Found(is_orphaned=True, run_id=unlocked[name])
    record = read_exit_record(home, name)
    judged = row.last_exit_run if row else ""
    if record is not None and record.run_id != judged:
        return Found(end=record)
    if row is not None and row.status in ALIVE and row.pid is not None and row.run_id != judged:
        # No record: the machine went down, or the disk did. It is gone all the same.
        began = row.started_at or clock.wall()
        return Found(end=ExitRecord(row.run_id, None, None, Intent.ORPHAN, began, row.last_seen_at or began))
    return Found()


def make_locks(home: Home, names: Iterable[str]) -> None:
    """Make the lock files of instances of which nothing lives.

    So a lock file that is missing later was deleted, and only then a run has to be looked for by its token.
    """
    for name in names:
        home.instance_lock(name).touch(mode=0o600)


def recall(slot: Slot, remembered: Remembered, clock: Clock) -> None:
    """Give a new slot the memory of the time before."""
    slot.desired = remembered.desired.get(slot.name, Desired.STOPPED)
    slot.asked_by = remembered.deciders.get(slot.name, "")
    row = remembered.runtime.get(slot.name)
    if row is None:
        return
    slot.failures, slot.restarts = row.failures, row.restarts
    slot.last_port = row.port
    slot.last_health_ok_at = row.last_health_ok_at
    slot.last = LastEnd(row.last_exit_run, row.last_exit_code, row.last_exit_signal, row.last_error)
    if row.status is Status.FAILED and slot.desired is Desired.RUNNING:
        slot.status = Status.FAILED
    elif row.status is Status.BACKOFF and slot.desired is Desired.RUNNING:
        slot.status = Status.BACKOFF
        left_s = max(0.0, (row.retry_at or 0.0) - clock.wall())
        slot.retry_mono = clock.monotonic() + min(left_s, slot.policy.backoff.max_delay_s)


def is_unheard_of(row: RuntimeRow | None, run_id: str) -> bool:
    """True for a living run that the database never learned of, because it was locked, full or deleted.

    Somebody wanted it later than all that is remembered.
    """
    return bool(run_id) and (row is None or row.run_id != run_id)


def remembered_health(row: RuntimeRow | None, run_id: str) -> Health:
    """A run that was healthy when it was last seen is taken for healthy until a probe says otherwise."""
    if row is not None and row.run_id == run_id and row.health is Health.HEALTHY:
        return Health.HEALTHY
    return Health.LOADING


def find_run_port(home: Home, name: str) -> int | None:
    """The port of a living run, which may not listen on it yet; None when none lives."""
    if not system.is_locked(str(home.instance_lock(name))):
        return None
    port = get_value(read_record(str(home.run_record(name))), "port")
    return int(port) if port else None
