"""Reads NVIDIA GPUs through the driver's own library: memory and work of each, and which process holds how much.

The optional package nvidia-ml-py (extra `gpu`) is imported here and nowhere else, when it is first needed.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

from engine.loads import GpuLoad

NOT_INSTALLED = "GPUs are not read: nvidia-ml-py is not installed; `pip install 'llama-orch-tui[gpu]'` brings it"

NO_DRIVER = "GPUs are not read: there is no NVIDIA driver; without an NVIDIA card there is nothing to mend"
DRIVER_LIBRARY = "libnvidia-ml.so.1"
"""What pynvml loads on Linux."""


class Nvml(Protocol):
    """The part of pynvml that is used. Handles are the driver's."""

    NVMLError: type[Exception]

    def nvmlInit(self) -> None:  # noqa: D102, N802 - pynvml's names
        ...

    def nvmlDeviceGetCount(self) -> int:  # noqa: D102, N802
        ...

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:  # noqa: ANN401, D102, N802
        ...

    def nvmlDeviceGetName(self, handle: Any) -> str | bytes:  # noqa: ANN401, D102, N802
        ...

    def nvmlDeviceGetMemoryInfo(self, handle: Any) -> Any:  # noqa: ANN401, D102, N802
        ...

    def nvmlDeviceGetUtilizationRates(self, handle: Any) -> Any:  # noqa: ANN401, D102, N802
        ...

    def nvmlDeviceGetComputeRunningProcesses(self, handle: Any) -> Sequence[Any]:  # noqa: ANN401, D102, N802
        ...

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle: Any) -> Sequence[Any]:  # noqa: ANN401, D102, N802
        ...


@dataclass(frozen=True, slots=True)
class GpuReading:
    """All GPUs at one moment."""

    gpus: tuple[GpuLoad, ...] = ()
    memory_by_pid: Mapping[int, int] | None = None
    """Bytes on all GPUs together, by process; None where the driver tells of none (Windows, containers)."""


def load_nvml() -> Nvml:
    """The driver's library, as pynvml has it.

    Raises:
        ImportError: pynvml is not installed.
        OSError: there is no such library. Said before pynvml takes two and a half megabytes to find out the same.
    """
    if sys.platform == "linux":
        ctypes.CDLL(DRIVER_LIBRARY)
    return cast("Nvml", import_module("pynvml"))


class GpuReader:
    """Owned by one thread. Where there is no driver it finds that out once, and says why in `problem`."""

    def __init__(self, load: Callable[[], Nvml] = load_nvml) -> None:
        self.problem = ""
        """Why nothing is read, for a person; empty when something is, or nobody has asked yet."""
        self._load = load
        self._nvml: Nvml | None = None

    def read(self) -> GpuReading:
        """What the driver says now; an empty reading where it says nothing. Takes about a millisecond a GPU."""
        nvml = self._open()
        if nvml is None:
            return GpuReading()
        try:
            handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
            gpus = tuple(_read_gpu(nvml, index, handle) for index, handle in enumerate(handles))
        except nvml.NVMLError as error:  # a GPU that fell off its bus, or a driver under repair: another time
            self.problem = f"GPUs cannot be read: {error}"
            return GpuReading()
        self.problem = ""
        return GpuReading(gpus, _read_processes(nvml, handles))

    def _open(self) -> Nvml | None:
        if self._nvml is not None or self.problem:
            return self._nvml
        try:
            nvml = self._load()
        except ImportError:
            self.problem = NOT_INSTALLED
            return None
        except OSError:
            self.problem = NO_DRIVER
            return None
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as error:
            self.problem = f"GPUs are not read: {error}; without an NVIDIA driver there is nothing to mend"
            return None
        self._nvml = nvml
        return nvml


def _read_gpu(nvml: Nvml, index: int, handle: object) -> GpuLoad:
    name = nvml.nvmlDeviceGetName(handle)
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    try:
        busy: float | None = float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    except nvml.NVMLError:  # virtual and old GPUs do not count their work
        busy = None
    text = name.decode(errors="replace") if isinstance(name, bytes) else name
    return GpuLoad(index, text, int(memory.used), int(memory.total), busy)


def _read_processes(nvml: Nvml, handles: Sequence[object]) -> Mapping[int, int] | None:
    """Bytes by process; one that computes and draws is told twice by the driver, with the same bytes."""
    total: dict[int, int] = {}
    for handle in handles:
        here: dict[int, int] = {}
        for ask in (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses):
            try:
                rows = ask(handle)
            except nvml.NVMLError:  # not told by this driver
                continue
            for row in rows:
                if row.usedGpuMemory is not None:
                    here[row.pid] = max(here.get(row.pid, 0), int(row.usedGpuMemory))
        for pid, used in here.items():
            total[pid] = total.get(pid, 0) + used
    return total or None
