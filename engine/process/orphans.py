"""Finding, by their token, and ending the processes that a dead keeper left behind."""

from __future__ import annotations

import threading
import time

import psutil

from engine.errors import StopFailedError
from engine.locking import instance_lock
from engine.paths import Home
from engine.process import system
from engine.process.validator import find_token_carriers

CLEAR_LIMIT_S = 5.0
LOOK_PERIOD_S = 0.02


def find_orphans(home: Home, name: str) -> list[psutil.Process]:
    """Processes of this user that carry the token of this home and this instance, a silent keeper among them.

    A process whose environment cannot be read is not proven ours, and so is not found.
    """
    return [carrier.process for carrier in find_token_carriers(home, name)]


def clear_orphans(home: Home, name: str, stop: threading.Event) -> int:
    """Kill what carries the token of this instance until its lock is free; how many processes were killed.

    Raises:
        StopFailedError: the lock is still held after `CLEAR_LIMIT_S`; the message says by whom, as far as known.
    """
    lock = str(home.instance_lock(name))
    deadline = time.monotonic() + CLEAR_LIMIT_S
    killed: set[int] = set()
    while system.is_locked(lock):
        orphans = find_orphans(home, name)
        for process in orphans:
            # psutil compares the creation time before it signals: a reused PID is left alone.
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
            killed.add(process.pid)
        if time.monotonic() > deadline or stop.wait(LOOK_PERIOD_S):
            pids = ", ".join(str(process.pid) for process in orphans) or _describe_stranger(home, name)
            raise StopFailedError(f"{name}: its lock is still held by {pids}; end it, then start {name} again")
    return len(killed)


def _describe_stranger(home: Home, name: str) -> str:
    holder = instance_lock(home, name, "").find_holder()
    return f"a process that does not carry its token{f': {holder.describe()}' if holder else ''}"
