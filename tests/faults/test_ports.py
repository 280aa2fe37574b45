"""Ports under the real program: who holds one is named, and ``auto`` keeps what it had."""

from __future__ import annotations

import os
import re
import socket

import pytest

from engine.errors import ExitCode
from engine.process.listeners import describe_listener
from engine.snapshots import Act, Desired, State
from tests.fakes.homes import ThrowAwayHome, act, fake_table, free_port, seen, wait_for, wait_for_state

AUTO = '"auto"'
ADDRESS = f"127.9.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
"""Of this process alone: `auto` looks upwards from the same port everywhere, and other tests look beside us."""


def write_auto(den: ThrowAwayHome, *names: str) -> None:
    """Stand-in servers whose ports are ``auto``."""
    den.write_fakes(*names, flags=("--host", ADDRESS), extra=f'host = "{ADDRESS}"', port=AUTO)


@pytest.mark.parametrize("taken", ["127.0.0.1", "0.0.0.0", "::"])
def test_a_start_on_a_taken_port_names_program_and_pid(den: ThrowAwayHome, taken: str) -> None:
    with socket.create_server(
        (taken, 0), family=socket.AF_INET6 if ":" in taken else socket.AF_INET, dualstack_ipv6=taken == "::"
    ) as holder:
        port = holder.getsockname()[1]
        den.write_config(fake_table("a", port=str(port)))
        session = den.open_session()
        refused = act(session, Act.START, "a")
    assert refused.exit_code == ExitCode.PORT_IN_USE
    assert re.search(rf"^a: port {port} is held by \S+ \(PID \d+\); pick another", refused.message)
    assert not den.find_servers()


def test_a_start_on_the_port_of_another_instance_names_it(den: ThrowAwayHome) -> None:
    port = str(free_port())
    den.write_fakes("a", "b", port=port)
    session = den.open_session()
    assert act(session, Act.START, "a").exit_code == 0
    refused = act(session, Act.START, "b")
    assert refused.exit_code == ExitCode.PORT_IN_USE
    assert refused.message.startswith(f"b: port {port} is held by instance a; pick another")


def test_a_start_that_was_answered_with_waiting_is_wanted_when_its_port_is_taken_later(den: ThrowAwayHome) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        den.write_config(fake_table("a") + fake_table("b", extra='depends_on = ["a"]', port=str(port)))
        session = den.open_session()
        answer = act(session, Act.START, "b", "a")
        assert answer.exit_code == 0
        assert "b: waiting for a" in answer.message
        wait_for(lambda: "is held by" in seen(session, "b").why, "its port is taken")
        assert seen(session, "b").desired is Desired.RUNNING
    wait_for_state(session, "b", State.READY)


def test_auto_keeps_its_port_across_stops_and_leaders_and_nobody_else_takes_it(den: ThrowAwayHome) -> None:
    write_auto(den, "a", "b")
    session = den.open_session()
    act(session, Act.START, "a")
    port = wait_for_state(session, "a", State.READY).port
    act(session, Act.STOP, "a")
    assert act(session, Act.START, "b").exit_code == 0
    assert wait_for_state(session, "b", State.READY).port != port
    den.close_session(session)
    session = den.open_session()
    assert act(session, Act.START, "a").exit_code == 0
    assert wait_for_state(session, "a", State.READY).port == port, describe_listener(ADDRESS, port or 0)
    assert act(session, Act.RESTART, "a").exit_code == 0
    assert wait_for_state(session, "a", State.READY).port == port


def test_auto_leaves_the_port_that_a_stranger_has_taken_since(den: ThrowAwayHome) -> None:
    write_auto(den, "a")
    session = den.open_session()
    act(session, Act.START, "a")
    port = wait_for_state(session, "a", State.READY).port
    act(session, Act.STOP, "a")
    with socket.create_server((ADDRESS, port or 0)):
        assert act(session, Act.START, "a").exit_code == 0
        wait_for(lambda: seen(session, "a").pid and seen(session, "a").port != port, "it listens elsewhere")
