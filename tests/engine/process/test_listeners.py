from __future__ import annotations

import os
import socket
import subprocess
import sys

import psutil
import pytest

from engine.process.listeners import Listener, describe_listener, find_stranger
from tests.fakes.homes import free_port


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_port_of_our_own_has_no_stranger(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener:
        assert find_stranger(os.getpid(), address, listener.getsockname()[1]) is None


def test_a_port_of_a_child_has_no_stranger() -> None:
    script = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        assert find_stranger(os.getpid(), "127.0.0.1", port) is None
        child.kill()


def test_a_port_of_somebody_else_names_him() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as ours,
    ):
        for host in ("127.0.0.1", "0.0.0.0", "localhost"):
            found = find_stranger(ours.pid, host, listener.getsockname()[1])
            assert found == Listener(os.getpid())
            assert found.describe() == f"{psutil.Process().name()} (PID {os.getpid()})"
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
        assert find_stranger(client.pid, "127.0.0.1", listener.getsockname()[1]) == Listener(os.getpid())
        client.kill()


def test_a_port_that_nobody_has_and_a_process_that_is_gone_have_no_stranger() -> None:
    assert find_stranger(os.getpid(), "127.0.0.1", free_port()) is None
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    assert find_stranger(gone.pid, "127.0.0.1", free_port()) is None


def test_who_is_in_the_way_on_another_address_is_not_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert describe_listener("127.0.0.1", port).endswith(f"(PID {os.getpid()})")
        assert describe_listener("127.0.0.2", port) == "another process"
        assert find_stranger(1, "127.0.0.2", port) is None
