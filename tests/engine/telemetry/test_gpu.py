"""GPUs, as a driver's library tells of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from engine.loads import GpuLoad
from engine.telemetry.gpu import NO_DRIVER, NOT_INSTALLED, GpuReader, Nvml

GIB = 1 << 30


class DriverError(Exception):
    """What the driver raises."""


@dataclass
class FakeNvml:
    """A driver's library with as many GPUs as there are names."""

    names: Sequence[str | bytes] = ()
    processes: Sequence[Sequence[tuple[int, int | None]]] = ()
    drawing: Sequence[Sequence[tuple[int, int | None]]] = ()
    has_driver: bool = True
    is_lost: bool = False
    counts_work: bool = True
    inits: int = 0
    NVMLError: type[Exception] = DriverError
    handles: list[int] = field(default_factory=list)

    def nvmlInit(self) -> None:  # noqa: N802 - pynvml's names
        self.inits += 1
        if not self.has_driver:
            raise DriverError("Driver Not Loaded")

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        if self.is_lost:
            raise DriverError("GPU is lost")
        return len(self.names)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:  # noqa: N802
        return self.names[handle]

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:  # noqa: ANN401, N802
        return SimpleNamespace(used=(handle + 1) * GIB, total=80 * GIB)

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:  # noqa: ANN401, N802
        if not self.counts_work:
            raise DriverError("Not Supported")
        return SimpleNamespace(gpu=40 + handle)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[Any]:  # noqa: N802
        return _rows(self.processes[handle] if self.processes else ())

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle: int) -> list[Any]:  # noqa: N802
        if not self.drawing:
            raise DriverError("Not Supported")
        return _rows(self.drawing[handle])


def _rows(pairs: Sequence[tuple[int, int | None]]) -> list[Any]:
    return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in pairs]


def reader_of(nvml: FakeNvml) -> GpuReader:
    def load() -> Nvml:
        return nvml

    return GpuReader(load)


def test_every_gpu_is_told_with_its_memory_and_its_work() -> None:
    reading = reader_of(FakeNvml(["NVIDIA H200", b"Tesla T4"])).read()

    assert reading.gpus == (
        GpuLoad(0, "NVIDIA H200", GIB, 80 * GIB, 40.0),
        GpuLoad(1, "Tesla T4", 2 * GIB, 80 * GIB, 41.0),
    )


def test_a_process_on_two_gpus_holds_the_sum_and_one_that_draws_as_well_is_counted_once() -> None:
    nvml = FakeNvml(["A", "B"], [[(7, 2 * GIB), (8, GIB)], [(7, GIB)]], [[(7, 2 * GIB), (9, GIB)], []])

    assert reader_of(nvml).read().memory_by_pid == {7: 3 * GIB, 8: GIB, 9: GIB}


def test_memory_that_the_driver_does_not_tell_is_unknown_not_zero() -> None:
    assert reader_of(FakeNvml(["A"], [[(7, None)]])).read().memory_by_pid is None


def test_a_gpu_that_does_not_count_its_work_still_tells_its_memory() -> None:
    gpus = reader_of(FakeNvml(["vGPU"], counts_work=False)).read().gpus

    assert [(one.memory_used_bytes, one.busy_percent) for one in gpus] == [(GIB, None)]


def test_a_machine_without_a_driver_is_asked_once_and_says_why() -> None:
    nvml = FakeNvml(has_driver=False)
    reader = reader_of(nvml)

    assert [reader.read().gpus for _ in range(3)] == [(), (), ()]
    assert nvml.inits == 1
    assert "Driver Not Loaded" in reader.problem


def test_a_gpu_that_is_lost_for_a_moment_comes_back() -> None:
    nvml = FakeNvml(["A"])
    reader = reader_of(nvml)
    nvml.is_lost = True
    assert reader.read().gpus == ()
    assert "GPU is lost" in reader.problem

    nvml.is_lost = False

    assert len(reader.read().gpus) == 1
    assert reader.problem == ""


def test_without_the_package_the_fix_is_told() -> None:
    def load() -> Nvml:
        raise ImportError("No module named 'pynvml'")

    reader = GpuReader(load)

    assert reader.read().gpus == ()
    assert reader.problem == NOT_INSTALLED


def test_without_a_driver_the_machine_is_asked_once_and_says_why() -> None:
    asked = []

    def load() -> Nvml:
        asked.append(1)
        raise OSError("libnvidia-ml.so.1: cannot open shared object file")

    reader = GpuReader(load)

    assert [reader.read().gpus for _ in range(3)] == [(), (), ()]
    assert reader.problem == NO_DRIVER
    assert len(asked) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere pynvml looks for the driver itself")
def test_pynvml_is_not_loaded_where_there_is_no_driver() -> None:
    words = (
        "import sys; from engine.telemetry import gpu; gpu.DRIVER_LIBRARY = 'libno-such-driver.so.1';"
        "print(gpu.GpuReader().read().gpus, 'pynvml' in sys.modules)"
    )

    told = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)

    assert told.stdout.split() == ["()", "False"]


def test_the_real_library_offers_what_is_asked_of_it() -> None:
    nvml = pytest.importorskip("pynvml")

    missing = [name for name in vars(Nvml) if name.startswith("nvml") and not hasattr(nvml, name)]

    assert missing == []
