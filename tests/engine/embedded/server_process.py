"""The embedded server as a child of a test: started on a free port, asked over HTTP, ended with the test."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

from engine.embedded.location import find_launcher

DEADLINE_S = 60.0
POLL_S = 0.005


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """One run of the launcher; its stderr goes to a file in `folder`."""

    def __init__(self, folder: Path, *flags: str, env: Mapping[str, str] | None = None, port: int = 0) -> None:
        self.port = port or free_port()
        self.stderr = folder / f"stderr-{self.port}.log"
        command = [*find_launcher(), *flags, "--port", str(self.port)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")}
        with self.stderr.open("wb") as out:
            self.process = subprocess.Popen(command, stderr=out, stdout=subprocess.DEVNULL, env=kept | dict(env or {}))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        """Everything on stderr so far."""
        return self.stderr.read_text(encoding="utf-8", errors="replace")

    def end(self, within: float = DEADLINE_S) -> int:
        """The exit code; negative is a signal."""
        return self.process.wait(within)

    def ask(self, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Status and parsed body of one answer.

        Raises:
            OSError: nobody listens (yet).
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            data = None if body is None else json.dumps(body)
            connection.request("GET" if body is None else "POST", path, data, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def wait_for(self, status: int) -> None:
        """Wait until /health answers `status`."""
        deadline = time.monotonic() + DEADLINE_S
        while self._health() != status:
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(POLL_S)

    def _health(self) -> int | None:
        try:
            return self.ask("/health")[0]
        except OSError:
            return None

    def open_stream(self, tokens: int = -1) -> socket.socket:
        """A connection on which the server is sending a chat answer; its first bytes are read."""
        body = {
            "messages": [{"role": "user", "content": "hi"}],
            "stream": True,
            "n_predict": tokens,
            "ignore_eos": True,
        }
        data = json.dumps(body).encode()
        client = socket.socket()
        client.settimeout(DEADLINE_S)
        client.connect(("127.0.0.1", self.port))
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
        client.sendall(head.encode() + data)
        assert client.recv(512).startswith(b"HTTP/1.1 200")
        return client


def run_launcher(*flags: str, python_flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the launcher to its end."""
    command = [sys.executable, *python_flags, *find_launcher()[1:], *flags]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")}
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, env=kept, check=False)
