"""Live numbers of llama.cpp itself, and of servers that are something else."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.clock import Clock
from engine.health.judge import JudgePolicy, Verdict
from engine.health.monitor import HealthMonitor
from engine.health.patients import Watch, admit
from engine.health.targets import ProbeKind, ProbeTarget
from engine.loads import LlamaLoad
from engine.models.tiny_gguf import make_tiny_model
from engine.snapshots import Act, Health, State
from engine.telemetry.llama import QUIET_PERIOD_S, WORK_TOLD_S, Loads, _Gauge
from engine.telemetry.llama_load import METRICS_OFF, SLOTS_OFF
from tests.engine.embedded.server_process import ServerProcess
from tests.engine.health.raw_servers import OK, RawServer, raw_server
from tests.fakes.homes import ThrowAwayHome, act, ask, free_port, seen, throw_away_home, wait_for_state
from tests.fakes.waiting import wait_until

READY = Verdict(Health.HEALTHY, was_healthy=True)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose context is so long that an answer goes on until somebody ends it."""
    return make_tiny_model(tmp_path_factory.mktemp("models") / "endless.gguf", context_length=1 << 17)


class Eyes:
    """A monitor, and the newest numbers of the run `x`."""

    def __init__(self) -> None:
        self.told: list[LlamaLoad | None] = []
        self.monitor = HealthMonitor(Clock(), lambda *_: None, pytest.fail, self._note)

    def _note(self, loads: Loads) -> None:
        self.told.append(loads["x"][1] if "x" in loads else None)

    @property
    def load(self) -> LlamaLoad:
        """What is known now; nothing when nothing is."""
        return (self.told[-1] if self.told else None) or LlamaLoad()

    def watch(self, port: int, pid: int, *, api_key: str = "", may_sleep: bool = False) -> None:
        """Watch a run that is ready."""
        target = ProbeTarget("x", ProbeKind.HTTP, "127.0.0.1", port, api_key=api_key)
        self.monitor.watch(
            "x", Watch("run", pid, target, JudgePolicy(), 0.2, time.monotonic(), READY, may_sleep=may_sleep)
        )


@pytest.fixture
def eyes() -> Iterator[Eyes]:
    made = Eyes()
    made.monitor.start()
    yield made
    made.monitor.close()


@pytest.fixture
def den() -> Iterator[ThrowAwayHome]:
    with throw_away_home() as made:
        yield made


def read_on(client: socket.socket) -> None:
    """Take everything a server sends, until the connection is closed."""

    def read() -> None:
        try:
            while client.recv(1 << 16):
                pass
        except OSError:
            return

    threading.Thread(target=read, daemon=True).start()


@pytest.mark.real
def test_a_request_shows_as_tokens_per_second_a_busy_slot_and_context_and_then_as_rest(
    tmp_path: Path, model: Path, eyes: Eyes
) -> None:
    with ServerProcess(tmp_path, "-m", str(model), "-t", "1", "-np", "2", "-c", "65536", "--metrics") as server:
        server.wait_for(200)
        eyes.watch(server.port, server.process.pid)
        eyes.monitor.look(is_looking=True)
        assert wait_until(lambda: eyes.load.busy_slots == 0), eyes.told
        assert (eyes.load.total_slots, eyes.load.deferred, eyes.load.note) == (2, 0, "")

        with server.open_stream() as client:
            read_on(client)
            assert wait_until(lambda: (eyes.load.tokens_per_s or 0) > 1), eyes.told
            assert wait_until(lambda: eyes.load.busy_slots == 1), eyes.told
            assert (eyes.load.context_used or 0) > 0
            assert eyes.load.context_size == 32768
            client.shutdown(socket.SHUT_RDWR)

        assert wait_until(lambda: eyes.load.busy_slots == 0 and eyes.load.tokens_per_s == 0), eyes.told


@pytest.mark.real
def test_without_metrics_the_slots_tell_and_the_fix_is_said(tmp_path: Path, model: Path, eyes: Eyes) -> None:
    with ServerProcess(tmp_path, "-m", str(model), "-t", "1", "-np", "1", "-c", "65536") as server:
        server.wait_for(200)
        eyes.watch(server.port, server.process.pid)
        eyes.monitor.look(is_looking=True)
        with server.open_stream() as client:
            read_on(client)
            assert wait_until(lambda: (eyes.load.tokens_per_s or 0) > 1), eyes.told
            assert (eyes.load.busy_slots, eyes.load.deferred, eyes.load.note) == (1, None, METRICS_OFF)
            client.shutdown(socket.SHUT_RDWR)


@pytest.mark.real
def test_without_slots_the_counters_tell_and_the_fix_is_said(tmp_path: Path, model: Path, eyes: Eyes) -> None:
    with ServerProcess(tmp_path, "-m", str(model), "-t", "1", "--metrics", "--no-slots") as server:
        server.wait_for(200)
        eyes.watch(server.port, server.process.pid)
        eyes.monitor.look(is_looking=True)

        assert wait_until(lambda: eyes.load.busy_slots == 0 and eyes.load.note == SLOTS_OFF), eyes.told


@pytest.mark.real
@pytest.mark.parametrize(
    ("key", "note"), [("sekret", ""), ("wrong", "no live numbers: the server refuses the configured API key")]
)
def test_a_guarded_server_is_asked_with_the_key(tmp_path: Path, model: Path, eyes: Eyes, key: str, note: str) -> None:
    env = {"LLAMA_API_KEY": "sekret"}
    with ServerProcess(tmp_path, "-m", str(model), "-t", "1", "--metrics", env=env) as server:
        server.wait_for(200)
        eyes.watch(server.port, server.process.pid, api_key=key)
        eyes.monitor.look(is_looking=True)

        assert wait_until(lambda: eyes.load != LlamaLoad()), eyes.told
        assert eyes.load.note == note
        assert not any("sekret" in repr(load) for load in eyes.told)


@pytest.mark.real
def test_a_server_that_sleeps_sleeps_on_while_it_is_looked_at(tmp_path: Path, model: Path, eyes: Eyes) -> None:
    flags = ("-m", str(model), "-t", "1", "--metrics", "--sleep-idle-seconds", "1")
    with ServerProcess(tmp_path, *flags) as server:
        server.wait_for(200)
        eyes.watch(server.port, server.process.pid, may_sleep=True)
        eyes.monitor.look(is_looking=True)
        assert wait_until(lambda: eyes.load.is_asleep), server.said()
        looks = len(eyes.told)
        eyes.monitor.look(is_looking=False)
        eyes.monitor.look(is_looking=True)
        assert wait_until(lambda: len(eyes.told) > looks + 1 and eyes.load.is_asleep), eyes.told

        assert "exiting sleeping state" not in server.said()


def test_nobody_is_asked_while_nobody_looks_and_the_numbers_go_with_the_looker(eyes: Eyes) -> None:
    def answer(client: socket.socket, asked: bytes, _over: threading.Event) -> None:
        body = b'{"total_slots": 3}' if asked.startswith(b"GET /props") else b"[]"
        head = OK if asked.startswith(b"GET /health") else b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        client.sendall(head if asked.startswith(b"GET /health") else head + body)

    with raw_server(answer) as server:
        eyes.watch(server.port, os.getpid())
        assert wait_until(lambda: len(server.said) > 5)
        assert {asked.split()[1] for asked in server.said} == {b"/health"}

        eyes.monitor.look(is_looking=True)
        assert wait_until(lambda: eyes.load.total_slots == 3), eyes.told
        eyes.monitor.look(is_looking=False)
        assert wait_until(lambda: eyes.told[-1] is None), eyes.told


def test_a_server_of_another_kind_has_no_numbers_and_is_not_asked_again_soon(eyes: Eyes) -> None:
    def answer(client: socket.socket, asked: bytes, _over: threading.Event) -> None:
        is_health = asked.startswith(b"GET /health")
        client.sendall(OK if is_health else b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    with raw_server(answer) as server:
        eyes.watch(server.port, os.getpid())
        eyes.monitor.look(is_looking=True)
        assert wait_until(lambda: any(b"/props" in asked for asked in server.said))
        before = len(server.said)
        assert wait_until(lambda: len(server.said) > before + 10)

        assert sum(b"/health" not in asked for asked in server.said) == 1
        assert eyes.load == LlamaLoad()


class RestfulServer:
    """Speaks as llama.cpp does, of a number of tokens that the test sets."""

    tokens = 0

    def answer(self, client: socket.socket, asked: bytes, _over: threading.Event) -> None:
        """Whatever was asked."""
        bodies = {
            b"/props": b'{"total_slots": 1}',
            b"/slots": b"[]",
            b"/metrics": b"llamacpp:tokens_predicted_total %d\nllamacpp:requests_processing 0\n" % self.tokens,
        }
        body = bodies.get(asked.split()[1], b"{}")
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def count(server: RawServer, path: bytes) -> int:
    """How often a path was asked for."""
    return sum(asked.split()[1] == path for asked in server.said)


def test_a_server_at_rest_is_left_alone_until_its_processes_use_the_cpu(eyes: Eyes) -> None:
    restful = RestfulServer()
    with raw_server(restful.answer) as server:
        eyes.watch(server.port, os.getpid())
        eyes.monitor.look(is_looking=True)
        assert wait_until(lambda: count(server, b"/metrics") >= 3), server.said

        def is_left_alone(checks: int) -> bool:
            eyes.monitor.note_work({"x": False, "unknown": True})
            return count(server, b"/health") >= checks

        assert wait_until(lambda: is_left_alone(40)), server.said
        before = count(server, b"/metrics")
        assert wait_until(lambda: is_left_alone(80)), server.said
        assert count(server, b"/metrics") <= before + 1

        restful.tokens = 500
        eyes.monitor.note_work({"x": True})
        assert wait_until(lambda: (eyes.load.tokens_per_s or 0) > 0, limit_s=QUIET_PERIOD_S / 2), eyes.told


def test_a_server_whose_work_leaves_no_trace_on_the_cpu_here_is_asked_as_if_nothing_were_told() -> None:
    gauge = _Gauge(admit(Watch("run", 1, ProbeTarget("x", ProbeKind.HTTP, "127.0.0.1", 1), JudgePolicy(), 1, 0), 0.0))
    gauge.is_idle, gauge.work_told_mono = True, 100.0

    assert gauge.may_rest(101.0)
    assert not gauge.may_rest(100.0 + WORK_TOLD_S)
    gauge.is_blind = True
    assert not gauge.may_rest(101.0)


@pytest.mark.real
def test_a_follower_sees_the_numbers_that_the_leader_reads_for_it_alone(den: ThrowAwayHome, model: Path) -> None:
    den.write_config(
        f'[instances.a]\nmodel = "{model}"\nbinary = "embedded"\nthreads = 1\nargs = ["--metrics"]\nport = "auto"\n'
        'api_key = "sekret"\n[instances.a.healthcheck]\ninterval = 0.5\n'
    )
    leader = den.open_session()
    assert act(leader, Act.START, "a").exit_code == 0
    wait_for_state(leader, "a", State.READY, within_s=30.0)
    follower = den.open_session()
    assert wait_until(lambda: seen(follower, "a").state is State.READY)
    assert seen(leader, "a").load is None

    follower.look(is_looking=True)
    assert wait_until(lambda: (seen(follower, "a").load or LlamaLoad()).busy_slots == 0)
    den.close_session(follower)

    assert wait_until(lambda: seen(leader, "a").load is None)


@pytest.mark.real
def test_a_run_that_was_found_alive_is_asked_with_the_key_of_its_table(den: ThrowAwayHome, model: Path) -> None:
    den.write_config(
        f'[instances.a]\nmodel = "{model}"\nbinary = "embedded"\nthreads = 1\nargs = ["--metrics"]\nport = "auto"\n'
        f'api_key_file = "{den.home.state_dir}/key"\n[instances.a.healthcheck]\ninterval = 0.5\n'
    )
    (den.home.state_dir / "key").write_text("sekret\n")
    first = den.open_session()
    assert act(first, Act.START, "a").exit_code == 0
    wait_for_state(first, "a", State.READY, within_s=30.0)
    den.close_session(first)

    second = den.open_session()
    second.look(is_looking=True)

    assert wait_until(lambda: (seen(second, "a").load or LlamaLoad()).busy_slots == 0), seen(second, "a")


@pytest.mark.real
def test_with_the_exporter_on_the_numbers_are_read_for_it_without_a_dashboard(den: ThrowAwayHome, model: Path) -> None:
    port = free_port()
    den.write_config(
        f'[metrics]\nlisten = "127.0.0.1:{port}"\n[instances.a]\nmodel = "{model}"\nbinary = "embedded"\nthreads = 1\n'
        'args = ["--metrics"]\nport = "auto"\n[instances.a.healthcheck]\ninterval = 0.5\n'
    )
    leader = den.open_session()
    assert act(leader, Act.START, "a").exit_code == 0
    wait_for_state(leader, "a", State.READY, within_s=30.0)

    assert wait_until(lambda: 'llama_orch_instance_busy_slots{instance="a"} 0' in ask(port, "/metrics")[1])
