"""The daemon's life with real processes: starting, standing by, signals, ending."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.daemon.identity import find_daemon, log_path
from engine.daemon.starting import start_daemon
from engine.daemon.stopping import stop_daemon
from engine.errors import DaemonError, ExitCode
from engine.snapshots import Act, State
from tests.fakes.homes import ThrowAwayHome, act, is_alive, kill, wait_for, wait_for_state

assert sys.platform != "win32"  # terminals and signals are POSIX

from tests.fakes.terminal import Terminal  # noqa: E402 - after the type checker was told

ARGV = [sys.executable, "-P", "-m", "llama_orch_tui", "daemon", "run", "--detached"]


def told(den: ThrowAwayHome) -> str:
    """The daemon's log."""
    return log_path(den.home).read_text() if log_path(den.home).exists() else ""


def test_it_starts_and_stops_twenty_times_in_a_row(den: ThrowAwayHome) -> None:
    pids = set()
    for _ in range(20):
        found = start_daemon(den.home, ARGV, den.environment())
        assert found.leads
        assert den.leader_pid() == found.pid
        pids.add(found.pid)
        assert stop_daemon(den.home, 10.0).pid == found.pid
        assert find_daemon(den.home) is None
        wait_for(lambda pid=found.pid: not is_alive(pid or 0), "it has ended")  # type: ignore[misc]
    assert len(pids) == 20
    assert told(den).count("ends: SIGTERM") == 20


def test_the_commands_say_60_and_61_about_daemons_only(den: ThrowAwayHome) -> None:
    session = den.open_session()
    wait_for(lambda: session.snapshot().is_leader, "the dashboard leads")
    for command in ("stop", "status"):
        done = den.run_cli("daemon", command)
        assert done.returncode == ExitCode.DAEMON_NOT_RUNNING
        assert f"the dashboard (PID {os.getpid()}) leads" in done.stderr
    assert den.run_cli("daemon", "start").returncode == 0
    second = den.run_cli("daemon", "start")
    assert second.returncode == ExitCode.DAEMON_ALREADY_RUNNING
    third = den.run_cli("daemon", "run")
    assert third.returncode == ExitCode.DAEMON_ALREADY_RUNNING
    status = json.loads(den.run_cli("daemon", "status", "--json").stdout)
    assert status["running"] is True
    assert status["role"] == "stands by"
    assert status["leader"] == {**status["leader"], "pid": os.getpid(), "kind": "dashboard"}
    assert f"PID {status['pid']}" in second.stderr
    den.close_session(session)
    wait_for(lambda: den.leader_pid() == status["pid"], "the daemon takes over")
    assert "leads" in den.run_cli("daemon", "status").stdout
    assert den.run_cli("daemon", "stop").returncode == 0
    missing = den.run_cli("daemon", "status", "--json")
    assert missing.returncode == ExitCode.DAEMON_NOT_RUNNING
    assert json.loads(missing.stdout)["running"] is False


def test_of_several_starts_at_once_one_wins_and_the_others_say_so(den: ThrowAwayHome) -> None:
    starts = [den.start_cli("daemon", "start") for _ in range(3)]
    codes = sorted(one.wait(60) for one in starts)
    assert codes == [0, ExitCode.DAEMON_ALREADY_RUNNING, ExitCode.DAEMON_ALREADY_RUNNING]
    found = find_daemon(den.home)
    assert found is not None
    assert den.leader_pid() == found.pid


def test_a_daemon_that_cannot_start_says_why(den: ThrowAwayHome) -> None:
    den.home.state_dir.mkdir(exist_ok=True)
    den.home.state_file.write_bytes(b"no database" * 1000)
    done = den.run_cli("daemon", "start")
    assert done.returncode == ExitCode.DAEMON_START_FAILED
    assert "state.sqlite" in done.stderr
    assert "not a database" in done.stderr
    assert str(log_path(den.home)) in done.stderr
    assert "not a database" in told(den)
    assert find_daemon(den.home) is None


def test_a_program_that_is_not_there_is_a_failed_start(den: ThrowAwayHome) -> None:
    with pytest.raises(DaemonError, match="cannot be executed") as refusal:
        start_daemon(den.home, ["/nowhere/python"], den.environment())
    assert refusal.value.exit_code == ExitCode.DAEMON_START_FAILED


def test_its_end_leaves_the_models_unless_told_otherwise(den: ThrowAwayHome) -> None:
    den.write_fakes("a", "b")
    assert den.run_cli("daemon", "start").returncode == 0
    assert den.run_cli("start", "--all", "--wait").returncode == 0
    servers = set(den.find_servers())
    assert len(servers) == 2
    ready = _say_second()
    asked = wait_for(lambda: now if (now := _say_second()) > ready else "", "a second has passed")
    assert den.run_cli("daemon", "stop").returncode == 0
    assert set(den.find_servers()) == servers
    ps = den.ps()
    assert ps["leader"] is None
    since = {one["why"].partition(";")[0].removeprefix("unwatched since ") for one in ps["instances"].values()}
    assert min(since) >= asked, "they were watched until the daemon was told to end"
    assert den.run_cli("daemon", "start").returncode == 0
    assert set(den.find_servers()) == servers
    stopped = den.run_cli("daemon", "stop", "--stop-instances")
    assert stopped.returncode == 0, stopped.stderr
    assert den.find_servers() == []
    assert {one["desired"] for one in den.ps()["instances"].values()} == {"stopped"}
    assert den.run_cli("daemon", "start").returncode == 0
    assert den.run_cli("daemon", "stop", "--stop-instances").stdout.startswith("daemon stopped: PID"), "and no more"


def test_a_daemon_that_was_run_to_stop_its_models_does(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    daemon = den.start_cli("daemon", "run", "--stop-instances")
    wait_for(lambda: den.leader_pid() == daemon.pid, "the daemon leads")
    assert den.run_cli("start", "a", "--wait").returncode == 0
    daemon.send_signal(signal.SIGINT)
    assert daemon.wait(30) == 0
    assert den.find_servers() == []
    assert re.search(r"a +stopped +stopped\n", told(den)), "the last events are in the log"


def test_autostart_instances_come_up_with_it(den: ThrowAwayHome) -> None:
    den.write_fakes("a", extra="autostart = true")
    assert den.run_cli("daemon", "start").returncode == 0
    wait_for(lambda: den.ps()["instances"]["a"]["state"] == "ready", "it is ready")


def test_a_hang_up_without_a_terminal_reads_the_configuration_again(den: ThrowAwayHome) -> None:
    daemon = den.start_daemon()
    den.write_fakes("late")
    kill(daemon.pid, signal.SIGHUP)
    wait_for(lambda: "the configuration is read again" in told(den), "it says so")
    wait_for(lambda: "late" in den.ps()["instances"], "it is taken up")
    assert daemon.poll() is None


def test_a_closed_terminal_ends_it_and_leaves_the_models(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    with Terminal(["-m", "llama_orch_tui", "daemon", "run"], den.environment()) as terminal:
        wait_for(lambda: den.leader_pid() == terminal.program.pid, "the daemon leads")
        assert den.run_cli("start", "a", "--wait").returncode == 0
        terminal.pull_the_plug()
        assert terminal.program.wait(30) == 0
    assert "ends: its terminal was closed" in told(den)
    assert len(den.find_servers()) == 1


def test_it_ends_by_itself_when_there_is_nothing_to_do(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    daemon = den.start_cli("daemon", "run", "--end-when-idle", "0.5")
    wait_for(lambda: den.leader_pid() == daemon.pid, "the daemon leads")
    follower = den.open_session()
    assert act(follower, Act.START, "a").exit_code == 0
    wait_for_state(follower, "a", State.READY)
    den.close_session(follower)
    with pytest.raises(subprocess.TimeoutExpired):
        daemon.wait(1.5)
    assert den.run_cli("stop", "a").returncode == 0
    assert daemon.wait(30) == 0
    assert "nothing ran, was wanted or was connected for 0.5 s" in told(den)


def test_systemd_hears_of_readiness_life_and_end_and_no_model_inherits_its_socket(
    den: ThrowAwayHome, tmp_path: Path
) -> None:
    den.write_fakes("a")
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        listener = threading.Thread(target=lambda: heard.extend(iter(lambda: systemd.recv(999), b"over")))
        listener.start()
        environ = den.environment() | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"}
        daemon = subprocess.Popen(
            [sys.executable, "-m", "llama_orch_tui", "daemon", "run"],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for(lambda: heard and heard[0].startswith(b"READY=1\nSTATUS=leads"), "it is ready")
        wait_for(lambda: b"WATCHDOG=1" in heard, "it is alive")
        assert den.run_cli("start", "a", "--wait").returncode == 0
        server = den.find_servers()[0]
        assert "NOTIFY_SOCKET" not in Path(f"/proc/{server}/environ").read_text()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"over", str(tmp_path / "notify"))
        listener.join()
    assert heard[-1] == b"STOPPING=1"
    assert any(one.startswith(b"STATUS=leads; 1 of 1") for one in heard)


def test_no_secret_reaches_its_log(den: ThrowAwayHome) -> None:
    secret = "sk-1f0f4b2d"
    den.write_fakes("a", extra=f'api_key = "{secret}"\nenv = {{ HF_TOKEN = "{secret}" }}')
    assert den.run_cli("daemon", "start").returncode == 0
    assert den.run_cli("start", "a").returncode == 0
    den.write_fakes("a", extra=f'api_key = "{secret}"\nenv = {{ HF_TOKEN = "{secret}", X = 7 }}')
    wait_for(lambda: "env" in told(den), "the fault is told")
    assert den.run_cli("daemon", "stop").returncode == 0
    assert secret not in told(den)


def _say_second() -> str:
    """The moment, as `ps` says it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
