"""What systemd is told."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.daemon.sd_notify import Notifier, take_notifier

assert sys.platform != "win32"  # systemd is Linux


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "n"))
        listener.settimeout(5)
        yield listener


def test_readiness_end_and_life_are_told(systemd: socket.socket) -> None:
    environ = {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "30000000", "PATH": "/bin"}
    notifier = take_notifier(environ)
    assert environ == {"PATH": "/bin"}, "no model inherits the variables"
    assert notifier.beat_period_s == 10.0
    notifier.tell_ready("leads")
    notifier.beat()
    notifier.tell_stopping()
    assert [systemd.recv(99) for _ in range(3)] == [b"READY=1\nSTATUS=leads", b"WATCHDOG=1", b"STOPPING=1"]


def test_a_watchdog_of_another_process_is_not_served() -> None:
    environ = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid() + 1)}
    assert take_notifier(environ).beat_period_s is None


@pytest.mark.parametrize("period", ["", "0", "soon"])
def test_without_a_period_there_is_no_watchdog(period: str) -> None:
    assert take_notifier({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": period}).beat_period_s is None


@pytest.mark.parametrize("address", ["", "/nobody/listens/here", "@nobody-listens-here"])
def test_where_nobody_listens_nothing_happens(address: str) -> None:
    Notifier(address).tell_ready("leads")
