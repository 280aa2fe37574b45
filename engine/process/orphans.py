"""Finding, by their token, and ending the processes that a dead keeper left behind; a living keeper is heard first."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable

import psutil

from engine.errors import StopFailedError
from engine.paths import Home
from engine.process import system
from engine.process.validator import TokenCarrier, find_token_carriers, is_keeper
from engine.process.watcher import KeeperLine, connect_keeper

PATIENCE_S = 5.0
"""How long a living keeper may be silent: it is frozen, starved, or making its files again (it looks every second)."""
CLEAR_LIMIT_S = 5.0
LOOK_PERIOD_S = 0.02


def find_orphans(home: Home, name: str) -> list[psutil.Process]:
    """Processes of this user that carry the token of this home and this instance, a silent keeper among them.

    A process whose environment cannot be read is not proven ours, and so is not found.
    """
    return [carrier.process for carrier in find_token_carriers(home, name)]


def is_of_a_run(home: Home, carrier: TokenCarrier) -> bool:
    """Whether a process belongs to a living run although its lock is not held: a token alone proves nothing of today.

    It is a keeper, which makes its lock again within a second, or it has the lock that was deleted.
    """
    lock = home.instance_lock(carrier.name)
    is_keeping = not lock.exists() and is_keeper(carrier.process)
    return is_keeping or system.holds_deleted(carrier.process.pid, str(lock))


def clear_orphans(home: Home, name: str, stop: threading.Event) -> int | KeeperLine:
    """Hear the silent keeper of an instance, or kill what carries its token until its lock is free.

    A connection to the keeper, when it answered after all: its run goes on. Else how many processes were killed. A
    keeper that lives is woken and has `PATIENCE_S` to answer; that of a dead one's run is killed at once.

    Raises:
        StopFailedError: the lock is still held at the end; the message says by whom, as far as known.
    """
    patient_until = time.monotonic() + PATIENCE_S
    killed: set[int] = set()
    while True:
        is_locked = system.is_locked(str(home.instance_lock(name)))
        carriers = find_token_carriers(home, name)
        orphans = [one.process for one in carriers if is_locked or is_of_a_run(home, one)]
        if not orphans and not is_locked:
            return len(killed)
        if (line := connect_keeper(name, home.keeper_socket(name))) is not None:
            return line
        now = time.monotonic()
        if now < patient_until and any(map(is_keeper, orphans)):
            _wake(orphans)
        else:
            killed |= _kill(orphans)
        if now > patient_until + CLEAR_LIMIT_S or stop.wait(LOOK_PERIOD_S):
            pids = ", ".join(str(process.pid) for process in orphans) or _describe_stranger(home, name)
            raise StopFailedError(f"{name}: its lock is still held by {pids}; end it, then start {name} again")


def _wake(processes: Iterable[psutil.Process]) -> None:
    """Let keepers that were frozen go on."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if is_keeper(process) and process.status() == psutil.STATUS_STOPPED:
                process.resume()


def _kill(processes: Iterable[psutil.Process]) -> set[int]:
    """The PIDs of those that were there; psutil compares the creation time: a reused PID is left alone."""
    killed = set()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
            killed.add(process.pid)
    return killed


def clear_run(home: Home, name: str, run_id: str) -> int:
    """Kill what carries the token of one run, whose keeper is gone; how many processes were killed."""
    killed = 0
    for carrier in find_token_carriers(home, name):
        if carrier.run_id == run_id:
            with contextlib.suppress(psutil.NoSuchProcess):
                carrier.process.kill()
                killed += 1
    return killed


def _describe_stranger(home: Home, name: str) -> str:
    from engine.locking import instance_lock  # noqa: PLC0415 - heavy, and who only looks never comes here

    holder = instance_lock(home, name, "").find_holder()
    return f"a process that does not carry its token{f': {holder.describe()}' if holder else ''}"
