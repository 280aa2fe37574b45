"""llama.cpp itself, while a client reads an endless answer: then the first polite signal does nothing."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.models.tiny_gguf import make_tiny_model
from engine.session import Session
from engine.snapshots import Act, State
from tests.fakes.homes import ThrowAwayHome, act, free_port, kill, seen, wait_for, wait_for_state

pytestmark = pytest.mark.real

GRACE_S = 1.5


@pytest.fixture(scope="session")
def endless_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose context is so long that an answer goes on until somebody ends it."""
    return make_tiny_model(tmp_path_factory.mktemp("endless") / "endless.gguf", context_length=1 << 17)


@pytest.fixture
def session(den: ThrowAwayHome, endless_model: Path) -> Session:
    """A leader over one real server that is ready."""
    den.write_config(
        f'[instances.a]\nmodel = "{endless_model}"\nbinary = "embedded"\nthreads = 1\nstop_grace = {GRACE_S}\n'
        f"port = {free_port()}\n"  # not auto: tests beside us look at the same ports
        "[instances.a.healthcheck]\ninterval = 0.5\n[instances.a.restart_policy]\ninitial_delay = 0.05\n"
    )
    opened = den.open_session()
    assert act(opened, Act.START, "a").exit_code == 0
    wait_for_state(opened, "a", State.READY, within_s=30.0)
    return opened


@pytest.fixture
def stream(session: Session) -> Iterator[socket.socket]:
    """A client whose answer is on its way."""
    body = {"messages": [{"role": "user", "content": "hi"}], "stream": True, "n_predict": -1, "ignore_eos": True}
    data = json.dumps(body).encode()
    with socket.create_connection(("127.0.0.1", seen(session, "a").port or 0), timeout=20.0) as client:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
        client.sendall(head.encode() + data)
        assert client.recv(512).startswith(b"HTTP/1.1 200")
        yield client


@pytest.mark.usefixtures("stream")
def test_a_stop_during_a_stream_ends_within_the_grace(den: ThrowAwayHome, session: Session) -> None:
    began = time.monotonic()
    assert act(session, Act.STOP, "a").exit_code == 0
    assert time.monotonic() - began < GRACE_S + 5.0  # without a kill it would stream for ever
    assert wait_for_state(session, "a", State.STOPPED).last_error == ""
    assert not den.find_processes()


@pytest.mark.usefixtures("stream")
def test_a_restart_during_a_stream_ends_with_one_server_ready(den: ThrowAwayHome, session: Session) -> None:
    first = seen(session, "a").pid
    assert act(session, Act.RESTART, "a").exit_code == 0
    one = wait_for_state(session, "a", State.READY)
    assert one.pid != first
    assert one.restarts == 0
    assert len(den.find_keepers()) == 1


@pytest.mark.usefixtures("stream")
def test_a_kill_during_a_stream_is_told_and_the_replacement_answers(den: ThrowAwayHome, session: Session) -> None:
    first = seen(session, "a")
    kill(first.pid or 0)
    wait_for(lambda: seen(session, "a").pid not in (None, first.pid), "its replacement runs")
    one = wait_for_state(session, "a", State.READY)
    assert (one.port, one.restarts, one.last_exit_signal) == (first.port, 1, 9)
    assert len(den.find_keepers()) == 1


@pytest.mark.usefixtures("stream")
def test_a_killed_leader_interrupts_no_stream(den: ThrowAwayHome, session: Session, stream: socket.socket) -> None:
    server = seen(session, "a").pid
    den.close_session(session)
    kill(den.start_daemon().pid)
    again = den.open_session()
    assert wait_for_state(again, "a", State.READY).pid == server
    assert b"data:" in stream.recv(1 << 16)
