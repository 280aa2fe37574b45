"""What the meter says of real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping

import psutil
import pytest

from engine.loads import Usage
from engine.process.proc_stat import read_all_stats, read_stat
from engine.snapshots import HostLoad
from engine.telemetry.meter import Meter
from engine.telemetry.samplers import PsutilSampler, find_children, find_sampler
from tests.fakes.waiting import wait_until

BUSY = "while True: pass"
CALM = "input()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"


Spawn = Callable[[str], subprocess.Popen[bytes]]
"""Runs this program as a child."""


class Readings:
    """A meter, and what it told last."""

    def __init__(self) -> None:
        self.usages: Mapping[str, Usage] = {}
        self.host: HostLoad | None = None
        self.rounds = 0
        self.meter = Meter(self._note)

    def _note(self, usages: Mapping[str, Usage], host: HostLoad) -> None:
        self.usages, self.host = usages, host
        self.rounds += 1


@pytest.fixture
def readings() -> Iterator[Readings]:
    made = Readings()
    made.meter.start()
    yield made
    made.meter.close()


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    spawned: list[subprocess.Popen[bytes]] = []

    def start(program: str) -> subprocess.Popen[bytes]:
        spawned.append(subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE))
        return spawned[-1]

    yield start
    for process in spawned:
        tree = [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []
        for one in tree:
            one.kill()
        process.kill()
        process.communicate()


def test_a_run_is_measured_with_its_children(readings: Readings, spawn: Spawn) -> None:
    parent, calm = spawn(PARENT), spawn(CALM)
    readings.meter.watch("parent", parent.pid)
    readings.meter.watch("calm", calm.pid)

    assert wait_until(lambda: "parent" in readings.usages and readings.usages["parent"].cpu_percent > 1), (
        readings.usages
    )
    own = psutil.Process(parent.pid).memory_info().rss
    assert readings.usages["parent"].memory_bytes > own, "the child's memory counts, too"
    assert readings.usages["calm"].memory_bytes > 1_000_000
    assert readings.usages["calm"].cpu_percent < readings.usages["parent"].cpu_percent
    assert readings.host is not None
    assert readings.host.memory_total_bytes == psutil.virtual_memory().total


def test_who_has_ended_is_measured_no_more(readings: Readings, spawn: Spawn) -> None:
    calm = spawn(CALM)
    readings.meter.watch("calm", calm.pid)
    assert wait_until(lambda: "calm" in readings.usages)

    calm.communicate(b"\n")

    assert wait_until(lambda: "calm" not in readings.usages)


def test_who_is_watched_no_more_is_measured_no_more(readings: Readings, spawn: Spawn) -> None:
    calm = spawn(CALM)
    readings.meter.watch("calm", calm.pid)
    assert wait_until(lambda: "calm" in readings.usages)

    readings.meter.unwatch("calm")

    assert wait_until(lambda: "calm" not in readings.usages)


def test_both_ways_of_sampling_say_the_same(spawn: Spawn) -> None:
    busy = spawn(BUSY)
    samplers = [find_sampler(busy.pid), PsutilSampler(psutil.Process(busy.pid))]
    first = [sampler.sample() for sampler in samplers if sampler is not None]
    assert [one.cpu_percent for one in first if one is not None] == [0.0, 0.0]

    threading.Event().wait(0.5)
    seen = [sample for sampler in samplers if sampler is not None and (sample := sampler.sample()) is not None]

    assert seen[0].cpu_percent == pytest.approx(seen[1].cpu_percent, rel=0.3)
    assert seen[0].memory_bytes == pytest.approx(seen[1].memory_bytes, rel=0.1)


def test_a_process_that_has_gone_gives_no_sample(spawn: Spawn) -> None:
    calm = spawn(CALM)
    sampler = find_sampler(calm.pid)
    assert sampler is not None
    assert sampler.sample() is not None

    calm.communicate(b"\n")

    assert sampler.sample() is None
    assert find_sampler(calm.pid) is None


def test_the_children_of_this_process_are_found(spawn: Spawn) -> None:
    calm = spawn(CALM)

    assert calm.pid in find_children()[os.getpid()]


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_one_line_tells_what_psutil_tells(spawn: Spawn) -> None:
    calm = spawn(CALM)
    process = psutil.Process(calm.pid)
    stat = read_stat(calm.pid)

    assert stat is not None
    assert (stat.pid, stat.parent_pid, stat.has_ended) == (calm.pid, process.ppid(), False)
    assert calm.pid in {one.pid for one in read_all_stats()}
    process.kill()
    assert wait_until(lambda: (read_stat(calm.pid) or stat).has_ended), "a zombie until it is collected"
    calm.communicate()
    assert read_stat(calm.pid) is None
