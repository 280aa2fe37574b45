"""Nobody reads what `daemon run` prints: supervision goes on, and its end comes in time."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from tests.fakes.homes import ThrowAwayHome, kill, portless_table, wait_for

assert sys.platform != "win32"  # signals and descriptors are POSIX

TABLE = portless_table("a")


@contextlib.contextmanager
def full_pipe() -> Iterator[int]:
    """The end to write to of a pipe that takes nothing more, and that nobody reads: a terminal after ctrl+s, too."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    try:
        with contextlib.suppress(BlockingIOError):
            while os.write(write_end, b"." * 4096):
                continue
        os.set_blocking(write_end, True)
        yield write_end
    finally:
        os.close(write_end)
        os.close(read_end)


@contextlib.contextmanager
def broken_pipe() -> Iterator[int]:
    """As after `| head -1`: the reader has gone."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        yield write_end
    finally:
        os.close(write_end)


@pytest.mark.parametrize("pipe", [full_pipe, broken_pipe])
def test_the_daemon_supervises_on_when_nobody_reads_it(den: ThrowAwayHome, pipe: type) -> None:
    den.write_config(TABLE)
    with pipe() as output:
        daemon = den.start_cli("daemon", "run", output=output)
        wait_for(lambda: den.leader_pid() == daemon.pid, "the daemon leads")
        assert den.run_cli("start", "a").returncode == 0
        for _ in range(3):
            old = den.ps()["instances"]["a"]["pid"]
            kill(old)
            wait_for(lambda old=old: den.ps()["instances"]["a"]["pid"] not in (None, old), "its replacement runs")  # type: ignore[misc]
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10.0) == 0
