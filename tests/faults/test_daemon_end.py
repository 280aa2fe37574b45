"""The daemon ends in time, whatever is under way, and the models run on."""

from __future__ import annotations

import contextlib
import signal
import socket
import sqlite3

from engine.daemon.identity import log_path
from engine.errors import ExitCode
from tests.fakes.homes import ThrowAwayHome, free_port, kill, wait_for

MANY = 200
TABLE = """
[instances.i{number}]
command = ["sleep", "1000"]
port = {port}
[instances.i{number}.healthcheck]
interval = 0.5
timeout = 60.0
"""


def test_two_hundred_instances_with_probes_in_flight_do_not_keep_it(den: ThrowAwayHome) -> None:
    ports = sorted({free_port() for _ in range(2 * MANY)})[:MANY]
    tables = [TABLE.format(number=number, port=port) for number, port in enumerate(ports)]
    den.write_config("[daemon]\nshutdown_timeout = 5.0\n" + "".join(tables))
    daemon = den.start_daemon()
    assert den.run_cli("start", "--all", within_s=100).returncode == 0
    with contextlib.ExitStack() as listeners:
        silent = [listeners.enter_context(socket.create_server(("127.0.0.1", port))) for port in ports]
        asked = [False] * MANY

        def hear() -> bool:
            """Take every probe's call, and never answer."""
            for number, one in enumerate(silent):
                one.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    listeners.enter_context(one.accept()[0])
                    asked[number] = True
            return all(asked)

        wait_for(hear, "every instance has a probe in flight", 60)
        kill(daemon.pid, signal.SIGTERM)
        assert daemon.wait(30) == 0
    assert "leaves at once" not in log_path(den.home).read_text()
    assert len(den.find_keepers()) == MANY


def test_what_hangs_does_not_keep_it_longer_than_the_time_out(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    config = den.home.config_file.read_text()
    den.write_config(f"[daemon]\nshutdown_timeout = 0.2\n{config}")
    daemon = den.start_daemon()
    assert den.run_cli("start", "a", "--wait").returncode == 0
    with contextlib.closing(sqlite3.connect(den.home.state_file, isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")  # what is still to be written waits for this
        assert den.run_cli("restart", "a").returncode == 0
        kill(daemon.pid, signal.SIGTERM)
        assert daemon.wait(30) == ExitCode.DAEMON_STOP_FAILED
    assert "has not ended within 0.2 s: leaves at once; the models run on" in log_path(den.home).read_text()
    assert len(den.find_servers()) == 1
