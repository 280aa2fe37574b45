"""Looking without leading: the truth as the leader tells it, or, when nobody leads, as locks and records tell it."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from engine import wire
from engine.clock import Clock
from engine.config.file import LoadedConfig, load_config
from engine.errors import LeaderTimeoutError
from engine.following import connect_leader, read_leader
from engine.paths import Home
from engine.process.orphans import find_unlocked
from engine.seniority import check_leader
from engine.snapshots import Desired, Fault, Health, InstanceSnapshot, Snapshot, Status
from engine.state.reading import reading
from engine.supervision.fleet import Fleet
from engine.supervision.slot import LastEnd, Slot, build_run
from engine.supervision.takeover import Found, Remembered, find_run, find_run_names, recall, remembered_health
from engine.supervision.why import describe_exit
from engine.versions import Release

ANSWER_LIMIT_S = 5.0


def observe(home: Home, environ: Mapping[str, str]) -> Snapshot:
    """The present state of everything.

    Raises:
        LeaderTimeoutError: a leader is there and does not answer.
        LeaderVersionError: it is of a release that this one cannot talk with.
        StateError: nobody leads, and the database is damaged or of another version.
    """
    connection = connect_leader(home)
    if connection is None:
        return observe_unled(home, environ, Clock())
    with contextlib.closing(connection):
        snapshot = _hear_snapshot(connection)
    if snapshot is not None:
        return snapshot
    leader = read_leader(home)
    who = f"the leader (PID {leader.pid})" if leader else "the leader"
    raise LeaderTimeoutError(f"{who} does not answer within {ANSWER_LIMIT_S:g} s; end it, then retry")


def _hear_snapshot(connection: socket.socket) -> Snapshot | None:
    own = wire.Hello(Release(""))
    deadline = time.monotonic() + ANSWER_LIMIT_S
    unread = b""
    try:
        connection.sendall(wire.encode_hello(own) + wire.encode_subscribe())
        while (left_s := deadline - time.monotonic()) > 0:
            connection.settimeout(left_s)
            data = connection.recv(1 << 18)
            if not data:
                return None
            *lines, unread = (unread + data).split(b"\n")
            for line in lines:
                frame = wire.decode_frame(line)
                if isinstance(frame, wire.Hello):
                    check_leader(own, frame)
                if isinstance(frame, Snapshot) and frame.seq:
                    return frame
    except (OSError, wire.WireError):
        return None
    return None


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
        slot.health = remembered_health(row, slot.run.run_id)
        slot.run.is_ready = slot.health is Health.HEALTHY
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


def _say_time(ts: float) -> str:
    return datetime.fromtimestamp(ts, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def find_scope(loaded: LoadedConfig, names: tuple[str, ...]) -> frozenset[str]:
    """The instances that a command about `names` may have to act on: these, what they need, and who needs them."""
    fleet = Fleet()
    fleet.apply(loaded)
    known = [name for name in names if name in fleet.slots]
    return frozenset([*names, *fleet.with_dependencies(known), *fleet.with_dependents(known)])
