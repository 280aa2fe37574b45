"""What can be found out about a process that a run record names: facts only, judged elsewhere."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from enum import StrEnum

import psutil

from engine.config.redact import redact_argv
from engine.paths import HOME_VARIABLE, RUN_VARIABLE, Home
from engine.process import system
from engine.process.listeners import find_listeners
from engine.process.records import Record, get_value

START_SLACK_S = 2.0
"""How far apart, where no ticks are known, two clocks may see the same start."""
INTERPRETER_ARGS = 2
"""What ``#!`` puts before the program at most: the interpreter and one argument."""


class Presence(StrEnum):
    """Whether there is a process of that PID."""

    RUNNING = "running"
    ZOMBIE = "zombie"
    GONE = "gone"


class Match(StrEnum):
    """How something found compares with what was recorded."""

    SAME = "same"
    DIFFERENT = "different"
    ABSENT = "absent"
    """There is nothing of it: no token, a free lock, nobody on the port, no living keeper."""
    HIDDEN = "hidden"
    """The system does not let us see it."""
    UNKNOWN = "unknown"
    """The record, or this system, does not tell."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was compared."""

    match: Match
    words: str = ""
    """What was found, for people; free of secrets."""


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """All that was found out about one PID."""

    pid: int | None
    presence: Presence
    start: Finding = Finding(Match.UNKNOWN)
    owner: Finding = Finding(Match.UNKNOWN)
    token: Finding = Finding(Match.UNKNOWN)
    command: Finding = Finding(Match.UNKNOWN)
    keeper: Finding = Finding(Match.UNKNOWN)
    """Whether its parent is the recorded keeper."""
    lock: Finding = Finding(Match.UNKNOWN)
    """Whether the instance's lock is held."""
    port: Finding = Finding(Match.UNKNOWN)
    """Whether the run's port is listened on by a process with the run's token."""
    stranger_pid: int | None = None
    """Who sits on our port without being ours, where the system tells."""


def gather_facts(home: Home, name: str, record: Record) -> ProcessFacts:
    """Look at the process that `record` names; one that cannot be looked at is a fact, too, and no error."""
    pid = _read_number(record, "pid")
    lock = _compare_lock(home, name)
    port, stranger_pid = _compare_port(home, name, record)
    gone = ProcessFacts(pid, Presence.GONE, lock=lock, port=port, stranger_pid=stranger_pid)
    if pid is None or pid <= 0:
        return gone
    try:
        process = psutil.Process(pid)
        start = _compare_start(process, record)
        facts = ProcessFacts(
            pid,
            see_presence(process),
            start=start,
            owner=compare_owner(process),
            token=_compare_token(process, home, f"{name}:{get_value(record, 'run')}"),
            command=_compare_command(process, record),
            keeper=_compare_keeper(process, record),
            lock=lock,
            port=port,
            stranger_pid=stranger_pid,
        )
        # All of it was read of one process only if the same one is there still.
        return facts if start == _compare_start(process, record) else gone
    except psutil.NoSuchProcess:
        return gone


def see_presence(process: psutil.Process) -> Presence:
    """Whether a process runs, or has only not been collected yet.

    Raises:
        psutil.NoSuchProcess: it is gone.
    """
    try:
        has_ended = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.AccessDenied:
        return Presence.RUNNING
    return Presence.ZOMBIE if has_ended else Presence.RUNNING


def _compare_start(process: psutil.Process, record: Record) -> Finding:
    """By ticks and boot where both are known; else (macOS) by a wall clock that there does not shift."""
    boot_id, recorded_boot = system.read_boot_id(), get_value(record, "boot_id")
    ticks, recorded_ticks = system.read_start_ticks(process.pid), _read_number(record, "start_ticks")
    if boot_id and recorded_boot and boot_id != recorded_boot:
        return Finding(Match.DIFFERENT, "the machine was booted since")
    if ticks is not None and recorded_ticks is not None and boot_id and boot_id == recorded_boot:
        if ticks == recorded_ticks:
            return Finding(Match.SAME)
        return Finding(Match.DIFFERENT, f"it began at tick {ticks} of this boot, ours at {recorded_ticks}")
    if ticks is not None or boot_id:
        return Finding(Match.UNKNOWN, "the record does not tell when it began")
    return _compare_wall_start(process, record)


def _compare_wall_start(process: psutil.Process, record: Record) -> Finding:
    try:
        recorded, found = float(get_value(record, "started_at")), process.create_time()
    except (ValueError, psutil.AccessDenied) as error:
        return Finding(Match.UNKNOWN, f"when it began is not known: {error}")
    if abs(recorded - found) <= START_SLACK_S:
        return Finding(Match.SAME)
    return Finding(Match.DIFFERENT, f"it began {found - recorded:+.0f} s from ours")


def compare_owner(process: psutil.Process) -> Finding:
    """Whether a process belongs to the user that this one runs as.

    Raises:
        psutil.NoSuchProcess: it is gone.
    """
    try:
        user = process.username()
        is_same = user == psutil.Process().username()
    except (psutil.AccessDenied, KeyError) as error:
        return Finding(Match.HIDDEN, f"its user cannot be seen: {error}")
    return Finding(Match.SAME) if is_same else Finding(Match.DIFFERENT, f"it belongs to user {user}")


def _compare_token(process: psutil.Process, home: Home, wanted: str) -> Finding:
    try:
        environment = process.environ()
    except (psutil.AccessDenied, psutil.ZombieProcess, OSError) as error:
        return Finding(Match.HIDDEN, f"its environment cannot be read ({error})")
    folder, run = environment.get(HOME_VARIABLE, ""), environment.get(RUN_VARIABLE, "")
    if not folder or not run:
        return Finding(Match.ABSENT, "it carries no instance token")
    if not is_home(home, folder):
        return Finding(Match.DIFFERENT, f"its token is of another home, {folder}")
    if run != wanted:
        return Finding(Match.DIFFERENT, f"its token is {run}, ours {wanted}")
    return Finding(Match.SAME)


def _compare_command(process: psutil.Process, record: Record) -> Finding:
    """The redacted command lines: a secret is neither stored nor printed, and so cannot be compared."""
    try:
        wanted = shlex.split(get_value(record, "shown"))
        argv = process.cmdline()
    except ValueError:
        return Finding(Match.UNKNOWN, "the recorded command line cannot be read")
    except (psutil.AccessDenied, psutil.ZombieProcess, OSError) as error:
        return Finding(Match.HIDDEN, f"its command line cannot be read ({error})")
    if not wanted:
        return Finding(Match.UNKNOWN, "no command line is on record")
    found = list(redact_argv(argv))
    extra = len(found) - len(wanted)
    if 0 <= extra <= INTERPRETER_ARGS and found[extra:] == wanted:
        return Finding(Match.SAME)
    return Finding(Match.DIFFERENT, shlex.join(found))


def _compare_keeper(process: psutil.Process, record: Record) -> Finding:
    """A dead keeper's child has another parent: init, or whoever collects strays."""
    keeper = _read_number(record, "keeper_pid")
    if keeper is None:
        return Finding(Match.UNKNOWN, "no keeper is on record")
    try:
        parent = process.ppid()
        is_living = parent == keeper and see_presence(psutil.Process(keeper)) is Presence.RUNNING
    except psutil.NoSuchProcess:
        is_living = False
    except psutil.AccessDenied as error:
        return Finding(Match.HIDDEN, f"its parent cannot be seen ({error})")
    return Finding(Match.SAME) if is_living else Finding(Match.ABSENT, f"its keeper, PID {keeper}, is gone")


def _compare_lock(home: Home, name: str) -> Finding:
    try:
        is_locked = system.is_locked(str(home.instance_lock(name)))
    except OSError as error:
        return Finding(Match.HIDDEN, f"its lock cannot be looked at: {error}")
    return Finding(Match.SAME) if is_locked else Finding(Match.ABSENT, "its lock is free")


def _compare_port(home: Home, name: str, record: Record) -> tuple[Finding, int | None]:
    """Whether the run's own processes listen on its port; who does in their place, where the system tells."""
    port, host = _read_number(record, "port"), get_value(record, "host")
    if port is None:
        return Finding(Match.UNKNOWN, "it has no port"), None
    try:
        holders = find_listeners(host, port)
    except (psutil.Error, OSError) as error:
        return Finding(Match.HIDDEN, f"who listens on port {port} cannot be seen ({error})"), None
    if not holders:
        return Finding(Match.ABSENT, f"nobody listens on port {port}"), None
    ours = (name, get_value(record, "run"))
    if any(one.pid is not None and read_token(home, one.pid) == ours for one in holders):
        return Finding(Match.SAME), None
    return Finding(Match.DIFFERENT, f"its port {port} is held by {holders[0].describe()}, a stranger"), holders[0].pid


def read_token(home: Home, pid: int) -> tuple[str, str] | None:
    """Instance and run from the token of a process; None without one, of another home, or not to be read."""
    try:
        environment = psutil.Process(pid).environ()
    except (psutil.Error, OSError):
        return None
    if not is_home(home, environment.get(HOME_VARIABLE, "")):
        return None
    name, found, run_id = environment.get(RUN_VARIABLE, "").rpartition(":")
    return (name, run_id) if found and name else None


def is_home(home: Home, folder: str) -> bool:
    """True when `folder`, as a token gives it, is this home by whatever path."""
    return bool(folder) and os.path.realpath(folder) == os.path.realpath(home.state_dir)


def _read_number(record: Record, key: str) -> int | None:
    text = get_value(record, key)
    return int(text) if text.isascii() and text.isdigit() else None
