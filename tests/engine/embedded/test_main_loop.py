"""The wait for the main loop asks once, with the key, and never stands in the way."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from engine.embedded.main_loop import wait_for_main_loop


@pytest.fixture
def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def run_beside(act: Callable[[], None]) -> Thread:
    thread = Thread(target=act, name="asking", daemon=True)
    thread.start()
    return thread


def test_it_returns_when_the_server_has_answered(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with listener:
        asking = run_beside(lambda: wait_for_main_loop("0.0.0.0", port, prefix="/api", keys=["one", "two"]))
        with listener.accept()[0] as client:
            asked = client.recv(4096).decode()
            assert asking.is_alive()
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            asking.join(5)

    assert not asking.is_alive()
    assert asked.startswith("GET /api/lora-adapters HTTP/1.1\r\n")
    assert "\r\nX-Api-Key: one\r\n" in asked


@pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets")
def test_it_asks_on_a_unix_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    if sys.platform == "win32":
        return
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("x.sock")
        listener.listen()
        asking = run_beside(lambda: wait_for_main_loop("x.sock", 8080, prefix="", keys=[]))
        with listener.accept()[0] as client:
            assert "X-Api-Key" not in client.recv(4096).decode()
        asking.join(5)

    assert not asking.is_alive()


def test_a_server_that_cannot_be_reached_is_not_waited_for(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()

    wait_for_main_loop("127.0.0.1", port, prefix="", keys=[])
