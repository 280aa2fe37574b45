from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from engine.process.listeners import find_stranger
from tests.fakes.homes import free_port


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_port_of_our_own_has_no_stranger(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener:
        assert find_stranger(os.getpid(), listener.getsockname()[1]) == ""


def test_a_port_of_a_child_has_no_stranger() -> None:
    script = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        assert find_stranger(os.getpid(), port) == ""
        child.kill()


def test_a_port_of_somebody_else_names_him() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as ours,
    ):
        assert find_stranger(ours.pid, listener.getsockname()[1]) == f"PID {os.getpid()}"
        ours.kill()


def test_a_connection_to_a_port_is_no_listener_on_it() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"import socket; s = socket.create_connection(('127.0.0.1', {listener.getsockname()[1]})); input()",
            ],
            stdin=subprocess.PIPE,
        ) as client,
    ):
        listener.accept()[0].close()
        assert find_stranger(client.pid, listener.getsockname()[1]) == f"PID {os.getpid()}"
        client.kill()


def test_a_port_that_nobody_has_and_a_process_that_is_gone_have_no_stranger() -> None:
    assert find_stranger(os.getpid(), free_port()) == ""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    assert find_stranger(gone.pid, free_port()) == ""
