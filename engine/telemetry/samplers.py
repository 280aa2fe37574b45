"""Taking samples of processes: CPU since the last sample, and memory. Cheap on Linux, through psutil elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import psutil

from engine.process.proc_stat import ProcStat, read_all_stats, read_stat


@dataclass(frozen=True, slots=True)
class Sample:
    """What one process uses."""

    cpu_percent: float
    """Since the last sample; 100 is one core, the first one is 0."""
    memory_bytes: int


class Sampler(Protocol):
    """One process, from the moment it was found."""

    pid: int

    def sample(self) -> Sample | None:
        """What it uses now; None when it has gone."""
        ...


class StatSampler:
    """Reads /proc."""

    def __init__(self, stat: ProcStat) -> None:
        self.pid = stat.pid
        self._start_ticks = stat.start_ticks
        self._cpu_s = stat.cpu_s
        self._mono = time.monotonic()
        self._is_first = True

    def sample(self) -> Sample | None:
        """What it uses now; None when it has gone, or another process has its PID."""
        stat, now = read_stat(self.pid), time.monotonic()
        if stat is None or stat.start_ticks != self._start_ticks:
            return None
        used_s, span_s = stat.cpu_s - self._cpu_s, now - self._mono
        percent = 0.0 if self._is_first or span_s <= 0 else round(100 * max(0.0, used_s) / span_s, 1)
        self._cpu_s, self._mono, self._is_first = stat.cpu_s, now, False
        return Sample(percent, stat.memory_bytes)


class PsutilSampler:
    """Asks psutil."""

    def __init__(self, process: psutil.Process) -> None:
        self.pid = process.pid
        self._process = process

    def sample(self) -> Sample | None:
        """What it uses now; None when it has gone, or may not be looked at."""
        try:
            with self._process.oneshot():
                return Sample(self._process.cpu_percent(), self._process.memory_info().rss)
        except psutil.Error:
            return None


def find_sampler(pid: int) -> Sampler | None:
    """Whoever can sample this process; None when it is gone."""
    if sys.platform == "linux":
        stat = read_stat(pid)
        return None if stat is None else StatSampler(stat)
    try:
        return PsutilSampler(psutil.Process(pid))
    except psutil.Error:
        return None


def find_children() -> Mapping[int, list[int]]:
    """The children of every process of the machine, by parent."""
    children: dict[int, list[int]] = {}
    if sys.platform == "linux":
        for stat in read_all_stats():
            children.setdefault(stat.parent_pid, []).append(stat.pid)
        return children
    for process in psutil.process_iter():
        try:
            children.setdefault(process.ppid(), []).append(process.pid)
        except psutil.Error:
            continue
    return children
