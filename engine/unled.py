"""What is true while nobody leads, as locks, records and the database tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from engine.clock import Clock
from engine.config.fields import HealthType
from engine.config.file import load_config
from engine.paths import Home
from engine.process.unlocked import find_unlocked
from engine.snapshots import Desired, Fault, Health, InstanceSnapshot, Snapshot, Status
from engine.state.reading import reading
from engine.state.store import RuntimeRow
from engine.supervision.fleet import Fleet
from engine.supervision.slot import LastEnd, Slot, build_run
from engine.supervision.takeover import Found, Remembered, find_run, find_run_names, recall, remembered_health
from engine.supervision.why import describe_exit


def observe_unled(home: Home, environ: Mapping[str, str], clock: Clock) -> Snapshot:
    """What is true while nobody leads: runs by their locks, the rest as it was last written down.

    Raises:
        StateError: the database is damaged, or of another version.
    """
    loaded = load_config(home.config_file, environ)
    faults: list[Fault] = [Fault("config", str(problem), clock.wall()) for problem in loaded.problems]
    with reading(home.state_file) as store:
        remembered = Remembered(store.load_desired(), store.load_runtime()) if store else Remembered({}, {})
    fleet = Fleet()
    fleet.apply(loaded)
    instances = []
    names = _known_names(home, fleet, remembered)
    unlocked = find_unlocked(home, names)
    for name in names:
        found = find_run(home, name, remembered.runtime.get(name), clock, unlocked)
        slot = fleet.slots.get(name)
        if slot is None and (found.line is not None or found.is_orphaned or found.unspoken):
            slot = Slot(name, config_error="its table is not in the file")
        if slot is not None:
            recall(slot, remembered, clock)
            instances.append(_observe_one(slot, found, remembered, clock))
        if found.line is not None:
            found.line.connection.close()
    return Snapshot(
        seq=1,
        taken_at=clock.wall(),
        instances=tuple(instances),
        faults=tuple(faults),
        config_path=str(loaded.path),
        config_exists=loaded.exists,
        profiles=fleet.profiles,
    )


def _known_names(home: Home, fleet: Fleet, remembered: Remembered) -> list[str]:
    return list(dict.fromkeys([*fleet.slots, *remembered.runtime, *find_run_names(home)]))


def _observe_one(slot: Slot, found: Found, remembered: Remembered, clock: Clock) -> InstanceSnapshot:
    row = remembered.runtime.get(slot.name)
    note = ""
    if found.line is not None:
        slot.run = build_run(found.line.greeting, clock.wall(), clock.monotonic())
        slot.status = Status.STOPPING if slot.run.is_stopping else Status.RUNNING
        slot.health, slot.run.is_ready = _recall_health(slot, row, slot.run.run_id)
        note = f"unwatched since {_say_time(row.last_seen_at)}" if row and row.last_seen_at else "unwatched"
    elif found.unspoken:
        slot.status = Status.RUNNING
        note = found.unspoken
    elif found.is_orphaned:
        slot.status = Status.RUNNING
        note = "its keeper does not answer while something of it still runs; the next dashboard or daemon sees to it"
    elif found.end is not None:
        slot.status = Status.STOPPED
        slot.last = LastEnd(found.end.run_id, found.end.code, found.end.signal)
        how = describe_exit(found.end.code, found.end.signal) or "no record of how"
        note = f"ended while nobody watched: {how}"
    elif slot.desired is Desired.RUNNING and slot.status is not Status.FAILED:
        note = "wanted, and nobody watches: open the dashboard or run the daemon"
    seen = slot.build_snapshot(clock.wall(), clock.monotonic())
    return (
        replace(seen, why="; ".join(part for part in (note, "" if found.end else seen.why) if part)) if note else seen
    )


def _recall_health(slot: Slot, row: RuntimeRow | None, run_id: str) -> tuple[Health, bool]:
    """How a run was when it was last seen, and whether it is ready; one that nobody probes is ready while it runs."""
    if slot.spec is not None and slot.spec.healthcheck.type is HealthType.NONE:
        return Health.UNKNOWN, True
    health = remembered_health(row, run_id)
    return health, health is Health.HEALTHY


def _say_time(ts: float) -> str:
    return datetime.fromtimestamp(ts, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
