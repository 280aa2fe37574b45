"""The embedded server keeps the promises of `llama-server`: how it starts, answers, refuses and stops."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.embedded.server_process import ServerProcess, free_port, run_launcher

pytestmark = pytest.mark.real

QUESTION = {"messages": [{"role": "user", "content": "tell me a story"}], "max_tokens": 12, "ignore_eos": True}


@pytest.fixture(scope="module")
def ready(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests that only ask."""
    with ServerProcess(tmp_path_factory.mktemp("ready"), "-m", str(tiny_model), "-t", "0", "--metrics") as server:
        server.wait_for(200)
        yield server


def test_a_chat_is_answered_by_the_model(ready: ServerProcess) -> None:
    status, answer = ready.ask("/v1/chat/completions", QUESTION)

    assert status == 200
    assert answer["usage"]["completion_tokens"] == 12
    assert answer["choices"][0]["message"]["content"].strip()


def test_a_stream_comes_in_pieces_and_says_when_it_is_done(ready: ServerProcess) -> None:
    with ready.open_stream(tokens=12) as client:
        client.settimeout(20)
        received = b""
        while b"data: [DONE]" not in received:
            piece = client.recv(4096)
            assert piece, received
            received += piece

    pieces = [line for line in received.split(b"\n") if line.startswith(b"data: {")]
    assert len(pieces) >= 10
    assert "choices" in json.loads(pieces[-1].removeprefix(b"data: "))


def test_unset_flags_have_the_defaults_of_llama_server(ready: ServerProcess) -> None:
    assert ready.ask("/props")[1]["total_slots"] == 4
    assert ready.ask("/props")[1]["default_generation_settings"]["n_ctx"] == 4096


def test_given_slots_share_the_context(tiny_model: Path, tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--model", str(tiny_model), "-np", "2", "-c", "2048") as server:
        server.wait_for(200)

        assert server.ask("/props")[1]["total_slots"] == 2
        assert server.ask("/props")[1]["default_generation_settings"]["n_ctx"] == 1024


def test_a_load_answers_503_until_it_is_done(slow_model: Path, tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "-m", str(slow_model)) as server:
        server.wait_for(503)
        assert server.ask("/health")[1]["error"]["message"] == "Loading model"
        server.wait_for(200)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to see when a signal is handled")
class TestStop:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_an_idle_server_ends_with_0(self, number: signal.Signals, tiny_model: Path, tmp_path: Path) -> None:
        with ServerProcess(tmp_path, "-m", str(tiny_model)) as server:
            server.wait_for(200)
            _signal_when_handled(server, number)

            assert server.end(within=5) == 0
            assert "cleaning up before exit" in server.said()

    def test_a_stop_in_the_first_moment_is_not_lost(self, tiny_model: Path, tmp_path: Path) -> None:
        """A stop before the main loop of xllamacpp runs waits for ever; one start in ten showed it."""
        servers = [ServerProcess(tmp_path, "-m", str(tiny_model)) for _ in range(10)]
        try:
            for server in servers:
                server.wait_for(200)
                _signal_when_handled(server, signal.SIGTERM)

            assert [server.end(within=5) for server in servers] == [0] * 10
        finally:
            for server in servers:
                server.__exit__()

    def test_a_load_dies_at_once_by_the_signal(self, slow_model: Path, tmp_path: Path) -> None:
        with ServerProcess(tmp_path, "-m", str(slow_model)) as server:
            server.wait_for(503)
            server.process.send_signal(signal.SIGTERM)

            assert server.end(within=0.5) == -signal.SIGTERM
            assert "listening on" not in server.said()

    def test_a_stream_holds_the_first_signal_up_and_the_second_one_ends_it(
        self, endless_model: Path, tmp_path: Path
    ) -> None:
        with ServerProcess(tmp_path, "-m", str(endless_model)) as server:
            server.wait_for(200)
            with server.open_stream():
                _signal_when_handled(server, signal.SIGTERM)
                with pytest.raises(subprocess.TimeoutExpired):
                    server.end(within=0.5)
                server.process.send_signal(signal.SIGTERM)

                assert server.end(within=1) == -signal.SIGTERM


class TestRefusal:
    """Exit code 1, and one line on stderr that says why."""

    @pytest.mark.parametrize(
        ("flags", "line"),
        [
            pytest.param(["--foo"], "error: invalid argument: --foo", id="unknown flag"),
            pytest.param(["--mlock"], "error: invalid argument: --mlock (removed", id="removed flag"),
            pytest.param(["--hf-repo", "a/b"], "download the file, or use llama-server", id="download"),
            pytest.param(["--port", "x"], 'error while handling argument "--port": expected a whole number', id="word"),
            pytest.param(["--port", "70000"], 'error while handling argument "--port": 70000 is not in', id="range"),
            pytest.param(["--port"], 'error while handling argument "--port": expected value', id="missing value"),
            pytest.param([], "error: no model given: name one with --model FILE", id="no model"),
        ],
    )
    def test_a_bad_command_line(self, flags: list[str], line: str) -> None:
        done = run_launcher(*flags)

        assert done.returncode == 1
        assert line in done.stderr.splitlines()[0]
        assert done.stdout == ""

    def test_a_missing_model(self, tmp_path: Path) -> None:
        done = run_launcher("-m", str(tmp_path / "none.gguf"), "--port", str(free_port()))

        assert done.returncode == 1
        assert f"failed to open GGUF file '{tmp_path / 'none.gguf'}' (No such file" in done.stderr

    def test_a_truncated_model(self, tiny_model: Path, tmp_path: Path) -> None:
        part = tmp_path / "part.gguf"
        part.write_bytes(tiny_model.read_bytes()[:500_000])

        done = run_launcher("-m", str(part), "--port", str(free_port()))

        assert done.returncode == 1
        assert "data is not within the file bounds, model is corrupted or incomplete" in done.stderr

    def test_a_taken_port(self, tiny_model: Path, tmp_path: Path) -> None:
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]

            with ServerProcess(tmp_path, "-m", str(tiny_model), port=port) as server:
                assert server.end() == 1
                assert f"couldn't bind HTTP server socket, hostname: 127.0.0.1, port: {port}" in server.said()

    def test_a_missing_xllamacpp_names_the_command_that_installs_it(self) -> None:
        done = run_launcher("-m", "any.gguf", python_flags=("-S",))

        assert done.returncode == 1
        assert 'run: `pip install "llama-orch-tui[embedded]"' in done.stderr


def test_a_key_from_the_environment_is_enforced(tiny_model: Path, tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "-m", str(tiny_model), env={"LLAMA_API_KEY": "s3cret"}) as server:
        server.wait_for(200)

        assert server.ask("/v1/models")[0] == 401
        assert server.ask("/v1/models", headers={"Authorization": "Bearer wrong"})[0] == 401
        assert server.ask("/v1/models", headers={"Authorization": "Bearer s3cret"})[0] == 200


def test_help_and_version_need_no_model() -> None:
    assert "--ctx-size" in run_launcher("--help").stdout
    assert run_launcher("--version").stderr.startswith("version: xllamacpp ")
    assert run_launcher("--list-devices").stdout.startswith("Available devices:")


def _signal_when_handled(server: ServerProcess, number: signal.Signals) -> None:
    """Send a signal as soon as the server handles it: /health is 200 a moment before that."""
    caught = 0
    deadline = time.monotonic() + 10
    while not caught & 1 << (number - 1):
        assert time.monotonic() < deadline
        status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
        caught = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), 16)
    server.process.send_signal(number)
