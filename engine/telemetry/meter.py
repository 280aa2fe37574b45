"""The meter: CPU, memory and GPU memory of every run and of the host, read by one thread every two seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil

from engine.snapshots import HostLoad
from engine.telemetry.gpu import GpuReader

PERIOD_S = 2.0
TREE_ROUNDS = 5
"""Every so many rounds the trees are looked up anew: listing all processes costs more than reading ours."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run's tree uses."""

    cpu_percent: float
    """100 is one core."""
    memory_bytes: int
    gpu_memory_bytes: int | None = None
    """None where no GPU tells."""


Measured = Callable[[Mapping[str, Usage], HostLoad], None]


class Meter:
    """Measures the PIDs it is given; `on_measured` is called on its thread."""

    def __init__(self, on_measured: Measured, gpus: GpuReader | None = None) -> None:
        self._on_measured = on_measured
        self._gpus = gpus or GpuReader()
        self._lock = threading.Lock()
        self._roots: dict[str, int] = {}
        self._trees: dict[str, list[psutil.Process]] = {}
        self._rounds = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="meter", daemon=True)

    def start(self) -> None:
        """Begin to measure."""
        self._thread.start()

    def watch(self, name: str, pid: int) -> None:
        """Measure this run from the next round on."""
        with self._lock:
            self._roots[name] = pid

    def unwatch(self, name: str) -> None:
        """Measure it no more."""
        with self._lock:
            self._roots.pop(name, None)

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        psutil.cpu_percent()  # the first call only sets the mark
        while not self._stop.wait(PERIOD_S if self._rounds > 1 else PERIOD_S / 4):
            self._rounds += 1
            gpus = self._gpus.read()
            usages = self._measure_runs(gpus.memory_by_pid)
            memory = psutil.virtual_memory()
            used = memory.total - memory.available
            self._on_measured(usages, HostLoad(psutil.cpu_percent(), used, memory.total, gpus.gpus))

    def _measure_runs(self, gpu_bytes: Mapping[int, int] | None) -> dict[str, Usage]:
        with self._lock:
            roots = dict(self._roots)
        self._update_trees(roots)
        usages = {}
        for name, tree in self._trees.items():
            cpu, memory = 0.0, 0
            for process in tree:
                try:
                    with process.oneshot():
                        cpu += process.cpu_percent()
                        memory += process.memory_info().rss
                except psutil.Error:
                    continue  # it has ended since the tree was looked up
            if memory:
                held = None if gpu_bytes is None else sum(gpu_bytes.get(process.pid, 0) for process in tree)
                usages[name] = Usage(cpu, memory, held)
        return usages

    def _update_trees(self, roots: Mapping[str, int]) -> None:
        known = {name: tree for name, tree in self._trees.items() if tree[0].pid == roots.get(name)}
        missing = [name for name in roots if name not in known]
        if missing or self._rounds % TREE_ROUNDS == 0:
            children = _find_children()
            for name, pid in roots.items():
                old = {process.pid: process for process in known.get(name, [])}
                known[name] = [
                    old.get(member) or process
                    for member in _walk(pid, children)
                    if (process := _find_process(member)) is not None
                ]
        self._trees = {name: tree for name, tree in known.items() if tree}


def _find_process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def _find_children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for process in psutil.process_iter():
        try:
            children.setdefault(process.ppid(), []).append(process.pid)
        except psutil.Error:
            continue
    return children


def _walk(root: int, children: Mapping[int, list[int]]) -> list[int]:
    found = [root]
    for pid in found:
        found.extend(child for child in children.get(pid, ()) if child not in found)
    return found
