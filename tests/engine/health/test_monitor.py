from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from engine.clock import Clock
from engine.health.answers import ProbeResult
from engine.health.judge import JudgePolicy, Verdict
from engine.health.monitor import HealthMonitor
from engine.health.patients import Watch
from engine.health.targets import ProbeKind, ProbeTarget
from engine.snapshots import Health
from tests.engine.health.raw_servers import OK, http_target, raw_server, say, say_and_hold
from tests.fakes.homes import fake_command, free_port
from tests.fakes.waiting import wait_until


@dataclass
class Ward:
    """A monitor and all that it told."""

    monitor: HealthMonitor
    told: list[tuple[float, str, Verdict, ProbeResult | None]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def verdicts(self, name: str = "x") -> list[Verdict]:
        """What was told of one instance."""
        return [verdict for _, told, verdict, _ in self.told if told == name]

    def wait_for(self, health: Health, name: str = "x") -> Verdict:
        """The newest verdict, once it is this."""
        assert wait_until(lambda: any(one.health is health for one in self.verdicts(name)[-1:])), self.told
        return self.verdicts(name)[-1]


@pytest.fixture
def ward() -> Iterator[Ward]:
    told: list[tuple[float, str, Verdict, ProbeResult | None]] = []
    faults: list[str] = []

    def note(name: str, _run: str, verdict: Verdict, result: ProbeResult | None) -> None:
        told.append((time.monotonic(), name, verdict, result))

    made = Ward(HealthMonitor(Clock(), note, faults.append), told, faults)
    made.monitor.start()
    yield made
    made.monitor.close()
    assert not made.faults


def _watch(target: ProbeTarget, **values: object) -> Watch:
    settings = {"policy": JudgePolicy(), "interval_s": 0.05, "started_mono": time.monotonic(), **values}
    return Watch("run", os.getpid(), target, **settings)  # type: ignore[arg-type]


def test_hung_targets_never_delay_the_others(ward: Ward) -> None:
    with raw_server(say_and_hold()) as hung, raw_server(say(OK)) as well:
        for number in range(50):
            ward.monitor.watch(f"hung{number}", _watch(http_target(hung.port, timeout_s=30.0)))
        ward.monitor.watch("x", _watch(http_target(well.port)))
        assert wait_until(lambda: len(ward.verdicts()) >= 20)
        moments = [at for at, name, _, _ in ward.told if name == "x"]
        ward.monitor.close()
    assert sorted(right - left for left, right in pairwise(moments))[len(moments) // 2] < 0.2


def test_closing_does_not_wait_for_what_is_in_flight(ward: Ward, tmp_path: Path) -> None:
    script = tmp_path / "check.sh"
    script.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nsleep 1000\n")
    script.chmod(0o755)
    with raw_server(say_and_hold()) as hung:
        for number in range(20):
            ward.monitor.watch(f"hung{number}", _watch(http_target(hung.port, timeout_s=60.0)))
        tls = http_target(hung.port, timeout_s=60.0, is_tls=True)
        ward.monitor.watch("tls", _watch(tls))
        custom = ProbeTarget("c", ProbeKind.CUSTOM, "127.0.0.1", None, script=str(script), timeout_s=60.0)
        ward.monitor.watch("custom", _watch(custom))
        assert wait_until(lambda: len(hung.said) >= 21 and (tmp_path / "pid").exists())
        pid = int((tmp_path / "pid").read_text() or 0)
        began = time.monotonic()
        ward.monitor.close()
        took_s = time.monotonic() - began
    assert took_s < 10.0  # of the 60 that are in flight
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("health")]
    assert wait_until(lambda: not psutil.pid_exists(pid))
    assert not ward.told


def test_closing_twice_and_before_the_start_is_well() -> None:
    monitor = HealthMonitor(Clock(), lambda *_: None, lambda _: None)
    monitor.watch("x", _watch(http_target(1)))
    monitor.close()
    monitor.close()
    monitor.watch("x", _watch(http_target(1)))


def test_a_hang_becomes_unhealthy_after_the_retries(ward: Ward) -> None:
    with raw_server(say_and_hold()) as hung:
        ward.monitor.watch("x", _watch(http_target(hung.port, timeout_s=0.1)))
        verdict = ward.wait_for(Health.UNHEALTHY)
    assert [one.failures for one in ward.verdicts()][:3] == [1, 2, 3]
    assert "hangs" in verdict.detail


def test_a_name_that_is_no_longer_watched_is_told_of_no_more(ward: Ward) -> None:
    with raw_server(say(OK)) as well:
        ward.monitor.watch("x", _watch(http_target(well.port)))
        ward.wait_for(Health.HEALTHY)
        ward.monitor.unwatch("x")
        ward.monitor.watch("marker", _watch(http_target(well.port)))
        ward.wait_for(Health.HEALTHY, "marker")
        count = len(ward.verdicts())
        assert wait_until(lambda: len(ward.verdicts("marker")) >= 5)
    assert len(ward.verdicts()) == count


def test_without_a_check_a_run_counts_as_ready_and_its_health_is_unknown(ward: Ward) -> None:
    ward.monitor.watch("x", _watch(ProbeTarget("x", ProbeKind.NONE, "", None)))
    verdict = ward.wait_for(Health.UNKNOWN)
    assert verdict.was_healthy


def test_the_key_is_kept_from_a_stranger_that_holds_the_port(ward: Ward) -> None:
    with stand_in() as (pid, port), stand_in() as (ours, _):
        watch = Watch("run", ours, http_target(port, api_key="sekret"), JudgePolicy(), 0.05, time.monotonic())
        ward.monitor.watch("x", watch)
        verdict = ward.wait_for(Health.UNHEALTHY)
    assert f"(PID {pid}), not by this instance" in verdict.detail


def test_the_key_is_sent_once_the_listener_is_known_to_be_ours(ward: Ward) -> None:
    with raw_server(say(OK)) as server:
        ward.monitor.watch("x", _watch(http_target(server.port, api_key="sekret")))
        ward.wait_for(Health.HEALTHY)
        assert b"sekret" not in server.said[0]
        assert b"sekret" in server.said[1]


def test_a_stopped_process_is_named_as_the_reason_of_a_hang(ward: Ward) -> None:
    with stand_in() as (pid, port):
        assert wait_until(lambda: _is_open(port))
        psutil.Process(pid).suspend()
        watch = Watch("run", pid, http_target(port, timeout_s=0.1), JudgePolicy(), 0.05, time.monotonic())
        ward.monitor.watch("x", watch)
        verdict = ward.wait_for(Health.UNHEALTHY)
    assert "its process is stopped" in verdict.detail


@contextlib.contextmanager
def stand_in() -> Iterator[tuple[int, int]]:
    """The stand-in server as a process of its own: its PID and its port."""
    port = free_port()
    process = psutil.Popen(fake_command(port=str(port)))
    try:
        assert wait_until(lambda: _is_open(port))
        yield process.pid, port
    finally:
        process.kill()
        process.wait()


def _is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


def test_a_script_that_says_no_while_a_model_loads_is_no_failure(ward: Ward, tmp_path: Path) -> None:
    script = tmp_path / "check.sh"
    script.write_text(f"#!/bin/sh\n[ -e {tmp_path}/loaded ]\n")
    script.chmod(0o755)
    target = ProbeTarget("x", ProbeKind.CUSTOM, "127.0.0.1", None, script=str(script))
    ward.monitor.watch("x", _watch(target))
    assert wait_until(lambda: len(ward.verdicts()) > 4)
    assert {(one.health, one.failures) for one in ward.verdicts()} == {(Health.LOADING, 0)}
    (tmp_path / "loaded").touch()
    ward.wait_for(Health.HEALTHY)
    (tmp_path / "loaded").unlink()
    ward.wait_for(Health.UNHEALTHY)
