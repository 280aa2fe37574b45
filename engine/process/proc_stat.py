"""What Linux tells of a process in one line of /proc: one read, where psutil makes several for every question."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import psutil

if sys.platform == "linux":
    from engine.process.posix import read_stat_fields

ENDED = (b"Z", b"X", b"x")
"""A zombie, and one that is just going."""
LEAST_FIELDS = 22


@dataclass(frozen=True, slots=True)
class ProcStat:
    """One process at one moment; see proc(5)."""

    pid: int
    parent_pid: int
    has_ended: bool
    """It has, and its parent has not collected it."""
    start_ticks: int
    """When it began, in clock ticks since boot."""
    cpu_s: float
    """What all its threads have used so far."""
    memory_bytes: int
    """Resident."""


def read_stat(pid: int) -> ProcStat | None:
    """The process as it is now; None when it is gone or cannot be read, and on every other system."""
    if sys.platform == "linux":
        fields = read_stat_fields(pid)
        if len(fields) >= LEAST_FIELDS:
            return ProcStat(
                pid=pid,
                parent_pid=int(fields[1]),
                has_ended=fields[0] in ENDED,
                start_ticks=int(fields[19]),
                cpu_s=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
                memory_bytes=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
            )
    return None


def read_all_stats() -> list[ProcStat]:
    """Every process of the machine; none on other systems than Linux."""
    return [stat for pid in psutil.pids() if (stat := read_stat(pid)) is not None]
