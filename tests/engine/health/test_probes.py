from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from engine.health.answers import Answer
from engine.health.probes import check_once
from engine.health.targets import ProbeKind, ProbeTarget
from tests.engine.health.raw_servers import OK, Behaviour, http_target, pour, raw_server, say, say_and_hold
from tests.fakes.homes import free_port

HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full: the kernel takes no connection more."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = int(listener.getsockname()[1])
    clients = []
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        clients.append(client)
    yield port
    for one in (*clients, listener):
        one.close()


@pytest.mark.parametrize(
    ("behave", "answer", "words"),
    [
        pytest.param(say(OK), Answer.HEALTHY, "", id="well"),
        pytest.param(say(*[bytes([byte]) for byte in OK]), Answer.HEALTHY, "", id="in small pieces"),
        pytest.param(say_and_hold(OK), Answer.HEALTHY, "", id="connection kept open"),
        pytest.param(say_and_hold(), Answer.SILENT, "hangs: it took the connection, and no answer", id="hang"),
        pytest.param(say(*[b"x"] * 100, pause_s=0.05), Answer.WRONG, "not HTTP: b'x'", id="slow garbage"),
        pytest.param(
            say(HEAD, *[b"X: y\r\n"] * 100, pause_s=0.05), Answer.SILENT, "hangs: its answer to /health", id="drip"
        ),
        pytest.param(say_and_hold(OK[:-3]), Answer.SILENT, "was not whole after 0.5 s", id="unfinished"),
        pytest.param(say(OK[:-3]), Answer.WRONG, "cut off after 12 bytes", id="half a body"),
        pytest.param(say(), Answer.WRONG, "closed without an answer", id="closed at once"),
        pytest.param(say(b"\x00\xff\x1b[31m"), Answer.WRONG, "not HTTP", id="garbage"),
        pytest.param(pour(HEAD + b"\r\n", b"x" * 65536), Answer.HEALTHY, "", id="endless body"),
        pytest.param(pour(HEAD, b"X: y\r\n" * 999), Answer.WRONG, "bytes of headers", id="endless head"),
        pytest.param(say(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), Answer.LOADING, "answered 503", id="503"),
        pytest.param(say(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), Answer.WRONG, "answered 500", id="500"),
        pytest.param(
            say(b"HTTP/1.1 302 Away\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n"),
            Answer.WRONG,
            "answered 302 (to http://elsewhere/)",
            id="redirect",
        ),
    ],
)
def test_every_behaviour_of_a_server_has_its_answer_within_the_time_out(
    behave: Behaviour, answer: Answer, words: str
) -> None:
    with raw_server(behave) as server:
        began = time.monotonic()
        result = check_once(http_target(server.port))
        took_s = time.monotonic() - began
    assert (result.answer, took_s < 8.0) == (answer, True), result
    assert words in result.detail


def test_a_dead_server_is_told_apart_from_a_hung_one() -> None:
    port = free_port()
    result = check_once(http_target(port))
    assert (result.answer, result.detail) == (Answer.REFUSED, f"nobody listens on port {port}")


@pytest.mark.parametrize("kind", [ProbeKind.HTTP, ProbeKind.TCP])
def test_a_port_that_takes_no_connection_hangs(full_port: int, kind: ProbeKind) -> None:
    result = check_once(ProbeTarget("x", kind, "127.0.0.1", full_port, timeout_s=0.2))
    assert (result.answer, result.detail) == (Answer.SILENT, "hangs: no connection to its port in 0.2 s")


def test_an_accepting_port_is_healthy_for_a_tcp_check_whatever_it_answers() -> None:
    with raw_server(say_and_hold()) as server:
        assert check_once(ProbeTarget("x", ProbeKind.TCP, "127.0.0.1", server.port)).answer is Answer.HEALTHY


def test_a_closed_port_refuses_a_tcp_check() -> None:
    assert check_once(ProbeTarget("x", ProbeKind.TCP, "127.0.0.1", free_port())).answer is Answer.REFUSED


@pytest.mark.parametrize(("text", "answer"), [("ok", Answer.HEALTHY), ("fine", Answer.WRONG)])
def test_the_body_must_hold_the_expected_text(text: str, answer: Answer) -> None:
    with raw_server(say(OK)) as server:
        assert check_once(http_target(server.port, expected_text=text)).answer is answer


def test_another_status_may_be_the_healthy_one() -> None:
    with raw_server(say(b"HTTP/1.1 204 Fine\r\n\r\n")) as server:
        assert check_once(http_target(server.port, expected_status=204)).answer is Answer.HEALTHY


def test_a_server_that_is_bound_to_every_address_is_asked_over_loopback() -> None:
    with raw_server(say(OK)) as server:
        assert check_once(ProbeTarget("x", ProbeKind.HTTP, "0.0.0.0", server.port)).answer is Answer.HEALTHY


def test_a_host_may_be_a_name() -> None:
    with raw_server(say(OK)) as server:
        assert check_once(ProbeTarget("x", ProbeKind.HTTP, "localhost", server.port)).answer is Answer.HEALTHY


def test_a_name_that_nobody_knows_says_so() -> None:
    result = check_once(ProbeTarget("x", ProbeKind.HTTP, "no-such-host.invalid", 80, timeout_s=10.0))
    assert result.answer in (Answer.WRONG, Answer.SILENT)
    assert result.detail


def test_a_server_with_tls_is_asked_over_tls_whoever_signed_it() -> None:
    with raw_server(say(OK), tls=True) as server:
        assert check_once(http_target(server.port, is_tls=True, timeout_s=5.0)).answer is Answer.HEALTHY


def test_a_server_without_tls_that_should_have_it_says_so() -> None:
    with raw_server(say(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        result = check_once(http_target(server.port, is_tls=True, timeout_s=5.0))
    assert result.answer is Answer.WRONG
    assert "no TLS" in result.detail


def test_a_hang_inside_the_tls_handshake_is_a_hang() -> None:
    with raw_server(say_and_hold()) as server:
        assert check_once(http_target(server.port, is_tls=True)).answer is Answer.SILENT


def test_the_key_is_sent_and_never_shown() -> None:
    with raw_server(say(b"HTTP/1.1 302 x\r\nLocation: /?key=sekret\r\nContent-Length: 0\r\n\r\n")) as server:
        target = http_target(server.port, api_key="sekret")
        result = check_once(target)
        assert b"Authorization: Bearer sekret\r\n" in server.said[0]
    assert "sekret" not in f"{result}{target}"
    assert "key=***" in result.detail
