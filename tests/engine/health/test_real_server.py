"""llama.cpp itself, under the eyes of the monitor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.clock import Clock
from engine.health.answers import ProbeResult
from engine.health.judge import JudgePolicy, Verdict
from engine.health.monitor import HealthMonitor
from engine.health.patients import Watch
from engine.health.targets import ProbeKind, ProbeTarget
from engine.models.tiny_gguf import cached_tiny_model, make_tiny_model
from engine.snapshots import Health
from tests.engine.embedded.server_process import ServerProcess
from tests.fakes.waiting import wait_until

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cached_tiny_model(tmp_path_factory.mktemp("models"))


@pytest.fixture
def verdicts() -> list[Verdict]:
    return []


@pytest.fixture
def monitor(verdicts: list[Verdict]) -> Iterator[HealthMonitor]:
    def note(_name: str, _run: str, verdict: Verdict, _result: ProbeResult | None) -> None:
        verdicts.append(verdict)

    made = HealthMonitor(Clock(), note, pytest.fail)
    made.start()
    yield made
    made.close()


def _watch(server: ServerProcess, **values: object) -> Watch:
    target = ProbeTarget("x", ProbeKind.HTTP, "127.0.0.1", server.port, **values.pop("target", {}))  # type: ignore[arg-type]
    settings = {"policy": JudgePolicy(), "interval_s": 0.1, "started_mono": time.monotonic(), **values}
    return Watch("run", server.process.pid, target, **settings)  # type: ignore[arg-type]


def _is_healthy(verdicts: list[Verdict]) -> Callable[[], bool]:
    return lambda: verdicts[-1:] != [] and verdicts[-1].health is Health.HEALTHY


def test_a_slow_load_is_loading_with_progress_and_never_a_failure(
    tmp_path: Path, monitor: HealthMonitor, verdicts: list[Verdict]
) -> None:
    model = make_tiny_model(tmp_path / "slow.gguf", vocab_pad=400_000)
    with ServerProcess(tmp_path, "-m", str(model), "-t", "1", "-c", "512") as server:
        monitor.watch("x", _watch(server, model_path=str(model)))
        assert wait_until(_is_healthy(verdicts)), server.said()
    before = verdicts[: [one.health for one in verdicts].index(Health.HEALTHY)]
    shares = [one.progress for one in before if one.progress is not None]
    assert {one.health for one in before} == {Health.LOADING}
    assert {one.failures for one in before} == {0}
    assert shares == sorted(shares)
    assert 0.0 < shares[-1] < 1.0
    assert verdicts[-1].progress is None


def test_a_warm_up_and_deep_checks_pass_with_the_key(
    tmp_path: Path, tiny_model: Path, monitor: HealthMonitor, verdicts: list[Verdict]
) -> None:
    env = {"LLAMA_API_KEY": "sekret"}
    with ServerProcess(tmp_path, "-m", str(tiny_model), "-t", "1", env=env) as server:
        target = {"api_key": "sekret"}
        monitor.watch("x", _watch(server, target=target, warmup_prompt="Hello", deep_interval_s=0.05))
        assert wait_until(_is_healthy(verdicts)), server.said()
        assert wait_until(lambda: server.said().count("processing task") >= 4), server.said()
    assert any(one.is_warming and one.health is Health.LOADING for one in verdicts)
    assert verdicts[-1].first_token_s is not None
    assert not verdicts[-1].note


def test_a_warm_up_without_the_key_fails_and_says_why(
    tmp_path: Path, tiny_model: Path, monitor: HealthMonitor, verdicts: list[Verdict]
) -> None:
    with ServerProcess(tmp_path, "-m", str(tiny_model), "-t", "1", env={"LLAMA_API_KEY": "sekret"}) as server:
        monitor.watch("x", _watch(server, warmup_prompt="Hello"))
        assert wait_until(lambda: verdicts[-1:] != [] and verdicts[-1].health is Health.UNHEALTHY), server.said()
    assert verdicts[-1].detail == "warm-up: /completion answered 401: Invalid API Key"


def test_an_embedding_server_is_warmed_up_with_an_embedding(
    tmp_path: Path, tiny_model: Path, monitor: HealthMonitor, verdicts: list[Verdict]
) -> None:
    with ServerProcess(tmp_path, "-m", str(tiny_model), "-t", "1", "--embeddings") as server:
        monitor.watch("x", _watch(server, target={"is_embedding": True}, warmup_prompt="Hello"))
        assert wait_until(_is_healthy(verdicts)), server.said()
    assert verdicts[-1].first_token_s is not None


def test_a_deep_check_leaves_a_server_that_sleeps_asleep(
    tmp_path: Path, tiny_model: Path, monitor: HealthMonitor, verdicts: list[Verdict]
) -> None:
    with ServerProcess(tmp_path, "-m", str(tiny_model), "-t", "1", "--sleep-idle-seconds", "1") as server:
        server.wait_for(200)
        assert wait_until(lambda: server.ask("/props")[1]["is_sleeping"])
        monitor.watch("x", _watch(server, deep_interval_s=0.05, verdict=Verdict(Health.HEALTHY, was_healthy=True)))
        assert wait_until(lambda: len(verdicts) > 8)
        assert server.ask("/props")[1]["is_sleeping"]
        assert "processing task" not in server.said()
    assert {one.health for one in verdicts} == {Health.HEALTHY}


def test_a_server_that_hangs_with_an_open_port_is_told_apart_from_one_that_is_dead(
    tmp_path: Path, tiny_model: Path, monitor: HealthMonitor, verdicts: list[Verdict]
) -> None:
    with ServerProcess(tmp_path, "-m", str(tiny_model), "-t", "1") as server:
        monitor.watch("x", _watch(server, target={"timeout_s": 0.3}))
        assert wait_until(_is_healthy(verdicts)), server.said()
        server.process.send_signal(19)
        assert wait_until(lambda: verdicts[-1].health is Health.UNHEALTHY)
        hung = verdicts[-1].detail
        server.process.kill()
        assert wait_until(lambda: verdicts[-1].detail == f"nobody listens on port {server.port}")
    assert "hangs" in hung
    assert "its process is stopped" in hung
