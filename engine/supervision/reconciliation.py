"""Comparing what the leader believes with what is there: locks, records, processes and ports.

Every change reaches a leader by itself, through keepers' connections, probes and the watched configuration. Here is
what could get lost on the way: a keeper that is stopped and says nothing, a port that another process answers on, a run
that somebody else began, processes that outlived their keeper. A `Memory` belongs to whoever looks again and again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import psutil

from engine.clock import Clock
from engine.paths import Home
from engine.process import system
from engine.process.evidence import Presence, read_token, see_presence
from engine.process.listeners import find_stranger, read_sockets
from engine.process.proc_stat import read_stat
from engine.process.records import get_value
from engine.process.validator import find_orphaned_processes
from engine.snapshots import Health, InstanceSnapshot, Snapshot, State, Status
from engine.supervision.exit_records import read_run_record
from engine.supervision.takeover import Found, find_run, find_run_names

RESTING = (Status.STOPPED, Status.BACKOFF, Status.FAILED)


class Drift(StrEnum):
    """How the truth differs from what is believed."""

    SERVER_GONE = "server gone"
    """The server has ended, and its keeper does not say so."""
    PORT_TAKEN = "port taken"
    """Another process answers on the port of a server that was healthy."""
    RUN_FOUND = "run found"
    """Something runs where nothing is believed to: a living keeper, or what a dead one left under its lock."""
    LEFT_OVER = "left over"
    """Processes of a run whose keeper is gone, and that nobody is clearing up yet."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One instance, found otherwise than believed."""

    name: str
    drift: Drift
    words: str
    """What was found, for people; names PIDs and programs."""
    run_id: str = ""
    """The run that it is about; empty when none was believed."""
    pid: int | None = None
    """Whom the words name."""
    found: Found = field(default_factory=Found)
    """For `RUN_FOUND`: an open connection to the keeper may be in it, for whoever takes it up or closes it."""

    @property
    def identity(self) -> tuple[str, Drift, str, int | None]:
        """The same at the next look, if it is the same matter."""
        return self.name, self.drift, self.run_id, self.pid


@dataclass(slots=True)
class Memory:
    """What one who looks again and again need not look at twice."""

    proven: dict[str, frozenset[str]] = field(default_factory=dict)
    """The sockets on each run's port, when they were last seen to be its own."""
    started: dict[str, str] = field(default_factory=dict)
    """When each run's process began, as its record says."""
    carriers: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Living processes with this home's token: instance and run."""
    others: set[int] = field(default_factory=set)
    """Living processes without it."""


def reconcile_instance(
    home: Home, believed: InstanceSnapshot, memory: Memory | None = None, sockets: dict[int, set[str]] | None = None
) -> Discrepancy | None:
    """Look at the lock, record, process and port of one instance; how it differs from what is believed, or None.

    `sockets` are those of the whole machine, for who has read them already.
    """
    memory = memory if memory is not None else Memory()
    if believed.run_id:
        sockets = read_sockets() if sockets is None else sockets
        return _look_at_process(home, believed, memory) or _look_at_port(believed, memory, sockets)
    return _look_for_run(home, believed.name) if believed.status in RESTING else None


def reconcile_all(home: Home, believed: Snapshot, memory: Memory | None = None) -> tuple[Discrepancy, ...]:
    """The same for every instance, for runs of instances that nobody knows, and for processes that were left over."""
    memory = memory if memory is not None else Memory()
    sockets = read_sockets()
    known = {one.name for one in believed.instances}
    strangers = [InstanceSnapshot(name) for name in find_run_names(home) if name not in known]
    looks = [reconcile_instance(home, one, memory, sockets) for one in (*believed.instances, *strangers)]
    found = [one for one in looks if one is not None]
    run_ids = {one.run_id for one in believed.instances}
    memory.proven = {run_id: proof for run_id, proof in memory.proven.items() if run_id in run_ids}
    memory.started = {run_id: ticks for run_id, ticks in memory.started.items() if run_id in run_ids}
    return (*found, *_look_for_leftovers(home, believed.instances, memory, {one.name for one in found}))


def _look_at_process(home: Home, believed: InstanceSnapshot, memory: Memory) -> Discrepancy | None:
    if believed.run_id not in memory.started:
        record = read_run_record(home, believed.name, believed.run_id)
        memory.started[believed.run_id] = get_value(record, "start_ticks")
    if believed.pid is None or _is_running(believed.pid, memory.started[believed.run_id]):
        return None
    words = f"PID {believed.pid} has ended, and its keeper (PID {believed.keeper_pid}) does not say so"
    return Discrepancy(believed.name, Drift.SERVER_GONE, words, believed.run_id, believed.pid)


def _is_running(pid: int, recorded: str) -> bool:
    """`recorded` tells when ours began; empty when its record does not."""
    stat = read_stat(pid)
    if stat is not None:
        return not stat.has_ended and recorded in ("", str(stat.start_ticks))
    try:
        if see_presence(psutil.Process(pid)) is not Presence.RUNNING:
            return False
    except psutil.NoSuchProcess:
        return False
    return not recorded or recorded == str(system.read_start_ticks(pid) or recorded)


def _look_at_port(believed: InstanceSnapshot, memory: Memory, sockets: dict[int, set[str]]) -> Discrepancy | None:
    """Only of a healthy one: what is not, the prober has an eye on already."""
    if believed.port is None or believed.state is not State.READY or believed.health is not Health.HEALTHY:
        return None
    present = frozenset(sockets.get(believed.port, ()))
    if not present or memory.proven.get(believed.run_id) == present or believed.pid is None:
        return None
    stranger = find_stranger(believed.pid, believed.host, believed.port)
    if stranger is None:
        memory.proven[believed.run_id] = present
        return None
    words = f"port {believed.port} is answered by {stranger.describe()}, not by this instance"
    return Discrepancy(believed.name, Drift.PORT_TAKEN, words, believed.run_id, stranger.pid)


def _look_for_run(home: Home, name: str) -> Discrepancy | None:
    """Without a control socket nothing of ours runs; a lock is not tried in vain, somebody may be about to take it."""
    if not home.keeper_socket(name).exists():
        return None
    found = find_run(home, name, None, Clock(), {})
    if found.line is not None:
        words = f"PID {get_value(found.line.greeting, 'pid')} runs, and nobody told"
        return Discrepancy(name, Drift.RUN_FOUND, words, found=found)
    if found.is_orphaned:
        return Discrepancy(name, Drift.RUN_FOUND, "its lock is held, and no keeper answers", found=found)
    return None


def _look_for_leftovers(
    home: Home, instances: Iterable[InstanceSnapshot], memory: Memory, settled: set[str]
) -> list[Discrepancy]:
    """Look closely only when a process carries the token of a run that is not believed to be."""
    _take_stock(home, memory)
    runs = {(one.name, one.run_id) for one in instances if one.run_id}
    if runs.issuperset(memory.carriers.values()):
        return []
    busy = {one.name for one in instances if not one.run_id and one.status not in RESTING}
    return [
        Discrepancy(one.name, Drift.LEFT_OVER, f"PID {one.pid} outlived its keeper: {one.shown}", one.run_id, one.pid)
        for one in find_orphaned_processes(home)
        if (one.name, one.run_id) not in runs and one.name not in busy | settled
    ]


def _take_stock(home: Home, memory: Memory) -> None:
    """Read the environment of processes that were not there before, and of no others."""
    alive = set(psutil.pids())
    memory.others &= alive
    memory.carriers = {pid: token for pid, token in memory.carriers.items() if pid in alive}
    for pid in alive - memory.others - memory.carriers.keys():
        token = read_token(home, pid)
        if token is None:
            memory.others.add(pid)
        else:
            memory.carriers[pid] = token
