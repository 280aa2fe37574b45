"""Is this process ours? Facts are gathered from the system in one place and judged in another; unsure means no.

A run record names a PID, and a PID proves nothing: it may be reused, the program behind it may have changed, its owner
may be somebody else. What proves a process ours is its instance token together with its start time in clock ticks of
this very boot (a wall-clock time shifts when the clock is set), or its living keeper under the held lock.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

import psutil

from engine.config.redact import redact_argv
from engine.paths import Home
from engine.process import system
from engine.process.evidence import (
    Match,
    Presence,
    ProcessFacts,
    compare_owner,
    gather_facts,
    read_token,
    see_presence,
)
from engine.process.records import Record

_KEEPER_PROGRAM = ("process", "keeper.py")
"""The end of the path that every keeper, of whatever version, is executed from."""


class Verdict(StrEnum):
    """What a process is to us."""

    OURS = "ours"
    ORPHAN = "orphan"
    """Ours, but its keeper is gone."""
    ZOMBIE = "zombie"
    """It has ended; its parent has not collected it."""
    GONE = "gone"
    REUSED_PID = "reused-pid"
    """Another process has the PID now."""
    CHANGED_COMMAND = "changed-command"
    """The process that was started, running another program."""
    STRANGER = "stranger"
    """Somebody else's: another user's, or without the token of this home, instance and run."""
    NO_ACCESS = "no-access"
    """The system does not let us look at it."""
    UNSURE = "unsure"
    """Nothing speaks against it, and too little for it."""


@dataclass(frozen=True, slots=True)
class ProcessValidation:
    """The judgement about one process."""

    verdict: Verdict
    is_ours: bool
    """It may be signalled."""
    pid: int | None
    reason: str
    """One sentence for people."""
    facts: ProcessFacts
    """What was compared."""


@dataclass(frozen=True, slots=True)
class OrphanedProcess:
    """A process of a run whose keeper is gone."""

    name: str
    """Its instance."""
    run_id: str
    pid: int
    shown: str
    """Its command line, redacted."""
    is_locked: bool
    """The instance's lock is held, by this process or another: until it is free, the instance cannot be started."""


@dataclass(frozen=True, slots=True)
class TokenCarrier:
    """A process of this user that carries the token of this home."""

    process: psutil.Process
    name: str
    run_id: str


def validate_process(home: Home, name: str, record: Record) -> ProcessValidation:
    """Compare the process that `record` names (a run record, or a keeper's greeting) with what is there.

    Never raises for anything about the process; the engine's reason to signal it or not is `is_ours`.
    """
    return judge(name, gather_facts(home, name, record))


# -- judging


def judge(name: str, facts: ProcessFacts) -> ProcessValidation:
    """The verdict on what was gathered about instance `name`. Pure."""
    verdict, reason = _find_verdict(facts)
    is_ours = verdict in (Verdict.OURS, Verdict.ORPHAN) or (verdict is Verdict.CHANGED_COMMAND and _is_kept(facts))
    who = name if facts.pid is None else f"{name}: PID {facts.pid}"
    if facts.port.match is Match.DIFFERENT:
        reason = f"{reason}; {facts.port.words}"
    return ProcessValidation(verdict, is_ours, facts.pid, f"{who} {reason}", facts)


def _find_verdict(facts: ProcessFacts) -> tuple[Verdict, str]:
    if facts.presence is Presence.GONE:
        return Verdict.GONE, "has no process on record" if facts.pid is None else "is not there any more"
    if facts.start.match is Match.DIFFERENT:
        return Verdict.REUSED_PID, f"is another process: {facts.start.words}"
    if facts.presence is Presence.ZOMBIE:
        return Verdict.ZOMBIE, "has ended, and its parent has not collected it"
    if facts.token.match is Match.HIDDEN:
        return Verdict.NO_ACCESS, f"cannot be looked at: {facts.token.words}"
    if facts.token.match is not Match.SAME:
        return Verdict.STRANGER, f"is not ours: {facts.token.words or 'its token is not known'}"
    return _find_verdict_of_carrier(facts)


def _find_verdict_of_carrier(facts: ProcessFacts) -> tuple[Verdict, str]:
    """The token is right. Anybody can write one, and a child inherits it: more has to speak for the process."""
    is_kept = _is_kept(facts)
    if facts.owner.match is not Match.SAME and not is_kept:
        return Verdict.STRANGER, f"is not ours: {facts.owner.words or 'its user is not known'}"
    if facts.start.match is not Match.SAME and not is_kept:
        return Verdict.UNSURE, f"is not proven ours: {facts.start.words or 'when it began is not known'}"
    if facts.command.match is Match.DIFFERENT:
        return Verdict.CHANGED_COMMAND, f"runs another command than it was started with: {facts.command.words}"
    if facts.command.match is Match.HIDDEN and not is_kept:
        return Verdict.NO_ACCESS, f"cannot be looked at: {facts.command.words}"
    if facts.keeper.match is Match.SAME:
        return Verdict.OURS, "is ours, under its keeper"
    return Verdict.ORPHAN, f"is ours, without its keeper: {facts.keeper.words or 'who keeps it is not known'}"


def _is_kept(facts: ProcessFacts) -> bool:
    """The recorded keeper lives, is the parent, and the lock is held: whatever else is unknown, the run is ours."""
    return facts.keeper.match is Match.SAME and facts.lock.match is Match.SAME


# -- what dead keepers left


def find_orphaned_processes(home: Home) -> tuple[OrphanedProcess, ...]:
    """Every process of this user that carries this home's token while the keeper of its run is gone.

    A process whose environment or user cannot be read is not proven ours, and so is not found.
    """
    carriers = list(find_token_carriers(home))
    kept = {(one.name, one.run_id) for one in carriers if is_keeper(one.process)}
    return tuple(
        OrphanedProcess(one.name, one.run_id, one.process.pid, _show_command(one.process), _is_locked(home, one.name))
        for one in carriers
        if (one.name, one.run_id) not in kept
    )


def find_token_carriers(home: Home, name: str | None = None) -> Iterator[TokenCarrier]:
    """Processes of this user with this home's token, of all instances or of one; keepers too, this process never."""
    for process in psutil.process_iter():
        token = read_token(home, process.pid)
        if token is None or name not in (None, token[0]) or process.pid == os.getpid():
            continue
        try:
            if compare_owner(process).match is Match.SAME and see_presence(process) is Presence.RUNNING:
                yield TokenCarrier(process, *token)
        except psutil.NoSuchProcess:
            continue


def is_keeper(process: psutil.Process) -> bool:
    """True for the program that keeps a run, of whatever version."""
    try:
        return any(PurePath(argument).parts[-2:] == _KEEPER_PROGRAM for argument in process.cmdline())
    except (psutil.Error, OSError):
        return False


def _show_command(process: psutil.Process) -> str:
    try:
        return shlex.join(redact_argv(process.cmdline()))
    except (psutil.Error, OSError):
        return ""


def _is_locked(home: Home, name: str) -> bool:
    try:
        return system.is_locked(str(home.instance_lock(name)))
    except OSError:
        return False
