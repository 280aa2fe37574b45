"""The meter: CPU, memory and GPU memory of every run and of the host, read by one thread every two seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import psutil

from engine.loads import Usage
from engine.snapshots import HostLoad
from engine.telemetry.gpu import GpuReader
from engine.telemetry.samplers import Sampler, find_children, find_sampler

PERIOD_S = 2.0
TREE_ROUNDS = 5
"""Every so many rounds the trees are looked up anew: listing all processes costs more than reading ours."""


Measured = Callable[[Mapping[str, Usage], HostLoad], None]


class Meter:
    """Measures the PIDs it is given; `on_measured` is called on its thread."""

    def __init__(self, on_measured: Measured, gpus: GpuReader | None = None) -> None:
        self._on_measured = on_measured
        self._gpus = gpus or GpuReader()
        self._lock = threading.Lock()
        self._roots: dict[str, int] = {}
        self._trees: dict[str, list[Sampler]] = {}
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
            samples = [sample for sampler in tree if (sample := sampler.sample()) is not None]
            cpu, memory = sum(one.cpu_percent for one in samples), sum(one.memory_bytes for one in samples)
            if memory:
                held = None if gpu_bytes is None else sum(gpu_bytes.get(sampler.pid, 0) for sampler in tree)
                usages[name] = Usage(cpu, memory, held)
        return usages

    def _update_trees(self, roots: Mapping[str, int]) -> None:
        known = {name: tree for name, tree in self._trees.items() if tree[0].pid == roots.get(name)}
        missing = [name for name in roots if name not in known]
        if missing or self._rounds % TREE_ROUNDS == 0:
            children = find_children()
            for name, pid in roots.items():
                old = {sampler.pid: sampler for sampler in known.get(name, [])}
                members = (old.get(member) or find_sampler(member) for member in _walk(pid, children))
                known[name] = [sampler for sampler in members if sampler is not None]
        self._trees = {name: tree for name, tree in known.items() if tree}


def _walk(root: int, children: Mapping[int, list[int]]) -> list[int]:
    found = [root]
    for pid in found:
        found.extend(child for child in children.get(pid, ()) if child not in found)
    return found
