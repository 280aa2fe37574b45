from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from engine.errors import ExitCode, PortInUseError, StartFailedError
from engine.process.ports import AUTO_FIRST, PortBook, check_port_available, is_port_free
from tests.fakes.homes import free_port


@contextmanager
def listening(host: str, port: int = 0, *, both: bool = False) -> Iterator[int]:
    """A port that is listened on."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        if ":" in host:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not both))
        listener.bind((host, port))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("taken", "asked"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "0.0.0.0"),
        ("0.0.0.0", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("::1", "::1"),
        ("::1", "::"),
        ("::", "::1"),
        ("127.0.0.1", "localhost"),
        ("0.0.0.0", "::"),
        ("127.0.0.1", "::"),
    ],
)
def test_a_port_that_is_listened_on_is_not_free(taken: str, asked: str) -> None:
    """A server on the IPv6 wildcard takes IPv4 connections, too, as llama-server does."""
    with listening(taken) as port:
        assert not is_port_free(asked, port)
    assert is_port_free(asked, port)


def test_a_wildcard_of_both_families_takes_the_ipv4_port() -> None:
    with listening("::", both=True) as port:
        assert not is_port_free("127.0.0.1", port)


def test_another_address_of_this_machine_is_another_port() -> None:
    with listening("127.0.0.1") as port:
        assert is_port_free("::1", port)
        assert is_port_free("127.0.0.2", port)


def test_a_port_whose_last_connections_are_closing_is_free() -> None:
    with listening("127.0.0.1") as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.close()
    assert is_port_free("127.0.0.1", port)


def test_who_holds_a_port_is_named() -> None:
    with listening("127.0.0.1") as port:
        for host in ("127.0.0.1", "0.0.0.0", "localhost"):
            with pytest.raises(
                PortInUseError, match=rf"qwen: port {port} is held by \S+ \(PID {os.getpid()}\); pick another"
            ) as caught:
                check_port_available("qwen", host, port, {})
            assert caught.value.exit_code is ExitCode.PORT_IN_USE
    check_port_available("qwen", "127.0.0.1", port, {})


def test_an_instance_that_holds_a_port_is_named_though_it_does_not_listen_yet() -> None:
    port = free_port()
    with pytest.raises(PortInUseError, match=rf"qwen: port {port} is held by instance gemma; pick another"):
        check_port_available("qwen", "127.0.0.1", port, {port: "gemma"})


def test_a_port_in_the_book_is_held_until_it_is_released() -> None:
    book = PortBook()
    port = free_port()
    book.reserve("gemma", "127.0.0.1", port, None, frozenset())
    with pytest.raises(PortInUseError, match="held by instance gemma"):
        book.reserve("qwen", "127.0.0.1", port, None, frozenset())
    book.release("gemma")
    assert book.reserve("qwen", "127.0.0.1", port, None, frozenset()) == port


def test_auto_keeps_its_port_while_that_is_free_and_leaves_it_when_it_is_not() -> None:
    book = PortBook()
    last = free_port()
    assert book.reserve("qwen", "127.0.0.1", None, last, frozenset()) == last
    assert book.reserve("gemma", "127.0.0.1", None, last, frozenset()) != last
    assert book.reserve("qwen", "127.0.0.1", None, last, frozenset()) == last
    assert book.reserve("qwen", "127.0.0.1", None, last, frozenset({last})) != last
    with listening("127.0.0.1", last):
        assert book.reserve("qwen", "127.0.0.1", None, last, frozenset()) != last


def test_auto_leaves_ports_alone_that_others_have_in_the_file() -> None:
    first = PortBook().reserve("qwen", "127.0.0.1", None, None, frozenset())
    second = PortBook().reserve("qwen", "127.0.0.1", None, None, frozenset({first}))
    assert AUTO_FIRST <= first < second


def test_two_threads_never_get_the_same_port() -> None:
    book = PortBook()
    gate = threading.Barrier(8)

    def reserve(number: int) -> list[int]:
        gate.wait()
        return [book.reserve(f"i{number}-{one}", "127.0.0.1", None, None, frozenset()) for one in range(10)]

    with ThreadPoolExecutor(8) as pool:
        got = [port for ports in pool.map(reserve, range(8)) for port in ports]
    assert len(set(got)) == 80


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_when_the_usual_range_is_used_up_the_system_gives_a_port(host: str) -> None:
    book = PortBook()
    for port in range(AUTO_FIRST, 10_000):
        book.note(f"i{port}", port)
    port = book.reserve("qwen", host, None, None, frozenset())
    assert not AUTO_FIRST <= port < 10_000
    assert is_port_free(host, port)


def test_an_address_of_another_machine_is_refused_with_the_reason() -> None:
    with pytest.raises(StartFailedError, match=r"qwen: cannot listen on 192\.0\.2\.1 port \d+: Cannot assign"):
        PortBook().reserve("qwen", "192.0.2.1", free_port(), None, frozenset())
