"""The exporter: a page over HTTP, clients that misbehave, ports that are taken."""

from __future__ import annotations

import queue
import socket
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from engine.telemetry.exporter import Exporter, split_address, warn_of_exposure
from tests.fakes.homes import free_port


class Told:
    """What the exporter says."""

    def __init__(self) -> None:
        self.faults: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.addresses: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self.exporter = Exporter(
            lambda: "page 1\n", self.faults.put, lambda address, warning: self.addresses.put((address, warning))
        )


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    made.exporter.start()
    yield made
    made.exporter.close()


def get(port: int, path: str = "/metrics", method: str = "GET") -> tuple[int, str, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type") or "", answer.read().decode()
    finally:
        connection.close()


def open_at(told: Told, host: str = "127.0.0.1") -> int:
    port = free_port()
    told.exporter.set_address(f"{host}:{port}")
    assert told.addresses.get(timeout=10)[0] == f"{host}:{port}"
    return port


def test_the_page_is_served_as_prometheus_asks(told: Told) -> None:
    port = open_at(told)
    assert get(port) == (200, "text/plain; version=0.0.4; charset=utf-8", "page 1\n")
    assert get(port, "/metrics?x=1")[0] == 200
    assert get(port, method="HEAD")[2] == ""
    assert get(port, "/nowhere")[0] == 404
    assert get(port, method="POST")[0] == 405


def test_a_client_that_says_nothing_or_nonsense_or_too_much_keeps_nobody(told: Told) -> None:
    port = open_at(told)
    with socket.create_connection(("127.0.0.1", port)) as silent:
        with socket.create_connection(("127.0.0.1", port)) as loud:
            loud.sendall(b"\x16\x03\x01\r\n\r\n" + b"x" * 100_000)
        assert get(port)[0] == 200
        assert silent.recv(10) == b""


def test_it_moves_when_it_is_told_to_and_ends_when_it_is_told_nothing(told: Told) -> None:
    first = open_at(told)
    second = open_at(told)
    assert get(second)[0] == 200
    with pytest.raises(ConnectionRefusedError):
        get(first)
    told.exporter.set_address("")
    told.exporter.close()
    with pytest.raises(ConnectionRefusedError):
        get(second)
    told.exporter = Told().exporter
    told.exporter.start()


def test_a_taken_port_is_a_fault_until_another_is_named(told: Told) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        told.exporter.set_address(address)
        fault = told.faults.get(timeout=10)
        assert address in fault
        assert "in use" in fault
        assert "[metrics] listen" in fault
        open_at(told)
    assert told.faults.get(timeout=10) == ""


def test_a_taken_port_is_tried_again(told: Told) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told.exporter.set_address(f"127.0.0.1:{port}")
        assert told.faults.get(timeout=10)
    assert told.faults.get(timeout=20) == ""
    assert told.addresses.get(timeout=10)[0] == f"127.0.0.1:{port}"
    assert get(port)[0] == 200


def test_a_host_that_is_none_is_a_fault(told: Told) -> None:
    told.exporter.set_address("no.such.host.invalid:9")
    assert "no.such.host.invalid:9" in told.faults.get(timeout=60)


@pytest.mark.parametrize(
    ("listen", "is_exposed"),
    [
        ("127.0.0.1:1", False),
        ("localhost:1", False),
        ("[::1]:1", False),
        ("0.0.0.0:1", True),
        ("[::]:1", True),
        ("example.org:1", True),
    ],
)
def test_what_others_can_reach_is_warned_of(listen: str, *, is_exposed: bool) -> None:
    assert bool(warn_of_exposure(listen)) is is_exposed


def test_an_address_of_version_6_has_brackets() -> None:
    assert split_address("[::1]:9797") == ("::1", 9797)
