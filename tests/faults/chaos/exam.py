"""The invariants of the design, checked from outside: process table, locks, ports, files, and what `ps` says."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psutil

from engine.errors import EngineError
from engine.observing import observe
from engine.process import system
from engine.process.records import get_value, read_record
from engine.snapshots import Desired, InstanceSnapshot, Snapshot, State
from tests.fakes.homes import ask
from tests.faults.chaos.census import Member, Role, take_census
from tests.faults.chaos.den import NAMES, Den, Want


def find_problems(den: Den) -> list[str]:
    """What is not as it should be, when nothing is broken any more."""
    try:
        snapshot = observe(den.home, os.environ)
    except (EngineError, OSError) as error:
        return [f"nobody can be asked: {error}"]
    members = take_census(den.home)
    found = list(_check_supervisors(den, snapshot))
    for name in NAMES:
        one = snapshot.find(name)
        if one is None:
            found.append(f"{name}: unknown to the leader")
            continue
        found += [f"{name}: {words} ({one.state}: {one.why})" for words in _check_instance(den, one, members)]
    return found


def _check_supervisors(den: Den, snapshot: Snapshot) -> Iterator[str]:
    """One of ours leads, nobody has died by himself, no fault is told, no child is left uncollected."""
    living = {one.pid for one in den.living_supervisors()}
    leader = snapshot.leader.pid if snapshot.leader else None
    if leader not in living:
        yield f"the leader is {leader}, alive are {sorted(living)}"
    yield from (f"fault: {fault.message}" for fault in snapshot.faults)
    for program in den.supervisors:
        said = den.read_trace(program.pid)
        if "Traceback" in said or "Error" in said.partition("\n")[0]:
            yield f"supervisor {program.pid}: {said[-2000:]}"
        if program.poll() not in {None, *den.refusals}:
            yield f"supervisor {program.pid} ended by itself with {program.returncode}"
        elif program.poll() is None:
            zombies = [one for one in psutil.Process(program.pid).children() if one.status() == psutil.STATUS_ZOMBIE]
            yield from (f"supervisor {program.pid} does not collect its child {one.pid}" for one in zombies)


def _check_instance(den: Den, one: InstanceSnapshot, everybody: list[Member]) -> Iterator[str]:
    """What is wanted runs, once, under one keeper, as it is shown; what is not wanted left nothing."""
    members = [member for member in everybody if member.name == one.name]
    known = den.wants[one.name]
    is_wanted = known is Want.RUNNING if known is not Want.UNKNOWN else one.desired is Desired.RUNNING
    if is_wanted is not (one.desired is Desired.RUNNING):
        yield f"wanted is {known}, and it is taken for {one.desired}"
    if not is_wanted:
        yield from (f"left over: {member}" for member in members)
        if one.state is not State.STOPPED:
            yield "not wanted and not stopped"
        return
    keepers = [member for member in members if member.role is Role.KEEPER]
    servers = {member.process.pid for member in members if member.role is Role.SERVER}
    if len(keepers) != 1 or not servers or len({member.run_id for member in members}) != 1:
        yield f"not one run: {', '.join(map(str, members)) or 'nothing runs'}"
        return
    if one.state is not State.READY or one.pid not in servers or one.keeper_pid != keepers[0].process.pid:
        yield f"shown as {one.state} with PID {one.pid} under {one.keeper_pid}, there are {servers} under {keepers[0]}"
        return
    yield from _check_files(den, one, keepers[0].run_id)


def _check_files(den: Den, one: InstanceSnapshot, run_id: str) -> Iterator[str]:
    """Lock, record, socket and port of a run."""
    if not system.is_locked(str(den.home.instance_lock(one.name))):
        yield "it runs, and its lock is free"
    if (recorded := get_value(read_record(str(den.home.run_record(one.name))), "run")) != run_id:
        yield f"its record is of run {recorded}, it is run {run_id}"
    if not den.home.keeper_socket(one.name).exists():
        yield "its keeper cannot be reached"
    if one.name == "d":
        return
    try:
        status, _ = ask(one.port or 0)
    except OSError as error:
        yield f"nobody answers on port {one.port}: {error}"
    else:
        if status != 200:
            yield f"its port answers {status}"
