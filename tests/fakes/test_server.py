"""The stand-in server does what its docstring says, so that a test that leans on it can be believed."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest

PROGRAM = Path(__file__).with_name("server.py")
DEADLINE_S = 10.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a POSIX program")


class Running:
    """The stand-in as a child, with its stderr in hand."""

    def __init__(self, *flags: str) -> None:
        command = [sys.executable, "-I", "-S", str(PROGRAM), *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self.said = ""

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read stderr until it holds the pattern."""
        assert self.process.stderr is not None
        deadline = time.monotonic() + DEADLINE_S
        while not (found := re.search(pattern, self.said)):
            left = max(0.0, deadline - time.monotonic())
            assert select.select([self.process.stderr], [], [], left)[0], self.said
            data = os.read(self.process.stderr.fileno(), 65536)
            assert data, self.said
            self.said += data.decode()
        return found

    def port(self) -> int:
        """Where it listens, once it is ready."""
        return int(self.wait_for(r"listening on http://127\.0\.0\.1:(\d+)\n")[1])

    def ask(self, port: int, path: str = "/health", timeout: float = DEADLINE_S) -> tuple[int, str]:
        """Status and body of a GET."""
        connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def tell(self, port: int, **command: object) -> int:
        """Status of a command."""
        connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        try:
            connection.request("POST", "/command", json.dumps(command))
            return connection.getresponse().status
        finally:
            connection.close()

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts stand-ins and ends them with the test."""
    running: list[Running] = []

    def start_one(*flags: str) -> Running:
        running.append(Running("--port", "0", *flags))
        return running[-1]

    yield start_one
    for one in running:
        one.close()


def test_it_answers_health_as_llama_server_does(start: Start) -> None:
    fake = start("-m", "any.gguf", "-c", "4096")
    port = fake.port()

    assert fake.ask(port) == (200, '{"status":"ok"}')
    assert fake.ask(port, "/v1/health")[0] == 200
    assert fake.ask(port, "/nowhere")[0] == 404


def test_it_is_loading_for_as_long_as_told(start: Start) -> None:
    fake = start()
    port = fake.port()
    fake.tell(port, do="load", seconds=3600)

    assert fake.ask(port) == (
        503,
        '{"error":{"message":"Loading model","type":"unavailable_error","code":503}}',
    )
    fake.tell(port, do="load", seconds=0)
    assert fake.ask(port)[0] == 200


def test_a_load_at_the_start_ends_by_itself(start: Start) -> None:
    began = time.monotonic()
    fake = start("--load-seconds", "0.2")
    fake.port()

    assert time.monotonic() - began >= 0.2


def test_sigterm_ends_it_with_0_when_ready_and_by_the_signal_while_loading(start: Start) -> None:
    ready, loading = start(), start("--load-seconds", "3600", "--lines", "1")
    ready.port()
    loading.wait_for("line: 1\n")

    ready.process.terminate()
    loading.process.terminate()

    assert ready.process.wait(DEADLINE_S) == 0
    assert loading.process.wait(DEADLINE_S) == -signal.SIGTERM


@pytest.mark.parametrize("how", ["flag", "command"])
def test_it_ignores_sigterm_when_told(how: str, start: Start) -> None:
    fake = start("--ignore-term") if how == "flag" else start()
    port = fake.port()
    if how == "command":
        fake.tell(port, do="ignore_term")

    fake.process.terminate()

    assert fake.ask(port)[0] == 200


def test_it_hangs_after_so_many_answers_and_still_takes_commands(start: Start) -> None:
    fake = start("--hang-after", "2")
    port = fake.port()

    assert [fake.ask(port)[0], fake.ask(port)[0]] == [200, 200]
    with pytest.raises(TimeoutError):
        fake.ask(port, timeout=0.2)
    assert fake.tell(port, do="resume") == 200
    assert fake.ask(port)[0] == 200


def test_a_silent_client_holds_nobody_up(start: Start) -> None:
    fake = start()
    port = fake.port()

    with socket.create_connection(("127.0.0.1", port)):
        assert fake.ask(port, timeout=2)[0] == 200


@pytest.mark.parametrize(
    ("command", "code"),
    [({"do": "exit", "code": 7}, 7), ({"do": "exit"}, 0), ({"do": "crash"}, -signal.SIGSEGV)],
    ids=["exit", "exit 0", "crash"],
)
def test_a_command_ends_it(command: dict[str, object], code: int, start: Start) -> None:
    fake = start()
    fake.tell(fake.port(), **command)

    assert fake.process.wait(DEADLINE_S) == code


def test_it_ends_by_itself_with_the_code_given(start: Start) -> None:
    assert start("--exit-code", "3", "--exit-after", "0.05").process.wait(DEADLINE_S) == 3


def test_a_status_can_be_set(start: Start) -> None:
    fake = start()
    port = fake.port()
    fake.tell(port, do="status", code=500)

    assert fake.ask(port)[0] == 500


def test_lines_are_numbered_without_a_gap_over_all_sources(start: Start) -> None:
    fake = start("--lines", "3", "--flood", "1000")
    port = fake.port()
    fake.tell(port, do="lines", count=5)
    fake.wait_for(r"line: 40\n")

    numbers = [int(number) for number in re.findall(r"line: (\d+)\n", fake.said)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_partial_line_has_no_end(start: Start) -> None:
    fake = start("--no-bind", "--load-seconds", "3600", "--partial-line")
    fake.wait_for("a line without an end")

    assert not fake.said.endswith("\n")


def test_stdout_gets_the_same_lines_when_told(start: Start) -> None:
    fake = start("--stdout-too", "--lines", "2", "--exit-code", "0", "--exit-after", "0.05")
    out, err = fake.process.communicate(timeout=DEADLINE_S)

    assert b"line: 2\n" in out
    assert out == err


def test_it_never_listens_when_told_so(start: Start) -> None:
    fake = start("--no-bind", "--lines", "1")
    fake.wait_for("line: 1\n")

    assert "listening" not in fake.said
    assert fake.process.poll() is None


@pytest.mark.parametrize("how", ["flag", "command"])
def test_a_grandchild_outlives_it_and_lets_the_port_go(how: str, start: Start) -> None:
    fake = start("--spawn-grandchild") if how == "flag" else start()
    port = fake.port()
    if how == "command":
        fake.tell(port, do="grandchild")
    grandchild = _wait_for_child(fake.process.pid)
    try:
        fake.process.terminate()
        assert fake.process.wait(DEADLINE_S) == 0
        grandchild.terminate()
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
        assert grandchild.is_running()
    finally:
        grandchild.kill()


def _wait_for_child(pid: int) -> psutil.Process:
    """The only child, once it leads a session of its own."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        for child in psutil.Process(pid).children():
            if sys.platform != "win32" and os.getsid(child.pid) == child.pid:
                return child
        assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--foo"], "error: invalid argument: --foo"),
        ([], "error: no port given"),
        (["--port"], 'error while handling argument "--port": expected value'),
        (["--port", "x"], "error: a flag's value is no number"),
    ],
)
def test_a_bad_command_line_ends_with_1(flags: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(PROGRAM), *flags], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith(message)


def test_a_taken_port_ends_it_with_1_as_it_ends_llama_server(start: Start) -> None:
    port = start().port()
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(PROGRAM), "--port", str(port)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert f"couldn't bind HTTP server socket, hostname: 127.0.0.1, port: {port}" in done.stderr
