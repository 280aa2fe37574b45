"""Leaving the real dashboard, in a real terminal: who watches afterwards, and that no model is lost."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator

import psutil
import pytest

from engine.daemon.identity import find_daemon
from engine.daemon.stopping import stop_daemon
from tests.fakes.homes import ThrowAwayHome, kill, wait_for

assert sys.platform != "win32"  # terminals and signals are POSIX

from tests.fakes.terminal import Terminal  # noqa: E402 - after the type checker was told

WATCHED = "goes on watching"


def configure(den: ThrowAwayHome, on_exit: str = "daemon") -> None:
    """One stand-in server, and what is to become of it."""
    den.write_fakes("a")
    den.write_config(f'[dashboard]\non_exit = "{on_exit}"\n{den.home.config_file.read_text()}')


@contextlib.contextmanager
def dashboard(den: ThrowAwayHome, *, in_shell: bool = False) -> Iterator[Terminal]:
    """The real dashboard, leading, with its model ready."""
    with Terminal(["-m", "llama_orch_tui"], den.environment(), in_shell=in_shell) as terminal:
        wait_for(
            lambda: den.leader_pid() == (terminal.job if in_shell else terminal.program.pid), "the dashboard leads"
        )
        assert den.run_cli("start", "a", "--wait").returncode == 0
        terminal.until_shown("ready")
        yield terminal


def wait_for_daemon(den: ThrowAwayHome) -> int:
    """The PID of the daemon, once it leads."""

    def look() -> int | None:
        found = find_daemon(den.home)
        return found.pid if found is not None and found.leads else None

    return wait_for(look, "a daemon leads")


def test_q_and_enter_leave_it_to_a_daemon_that_restarts_what_crashes(den: ThrowAwayHome) -> None:
    configure(den)
    with dashboard(den) as terminal:
        server = den.find_servers()[0]
        terminal.press("q")
        terminal.until_shown("Keep it supervised in the background")
        terminal.press("\r")
        assert terminal.program.wait(30) == 0
        terminal.until_shown(WATCHED)
    wait_for_daemon(den)
    assert den.find_servers() == [server]
    kill(server)
    wait_for(lambda: den.find_servers() not in ([], [server]), "the daemon has started it again")


@pytest.mark.parametrize(("key", "runs"), [pytest.param("l", 1, id="leave"), pytest.param("s", 0, id="stop")])
def test_the_other_answers_start_no_daemon(den: ThrowAwayHome, key: str, runs: int) -> None:
    configure(den)
    with dashboard(den) as terminal:
        terminal.press("q")
        terminal.until_shown("Leave the console?")
        terminal.press(key)
        assert terminal.program.wait(30) == 0
    assert find_daemon(den.home) is None
    assert len(den.find_servers()) == runs
    assert den.ps()["leader"] is None


@pytest.mark.parametrize(
    ("on_exit", "has_daemon", "runs"),
    [("daemon", True, 1), ("leave", False, 1), ("stop", False, 0)],
    ids=["daemon", "leave", "stop"],
)
@pytest.mark.parametrize("how", ["terminal closed", "SIGTERM"])
def test_a_dashboard_that_is_ended_does_silently_what_the_configuration_says(
    den: ThrowAwayHome, how: str, on_exit: str, runs: int, *, has_daemon: bool
) -> None:
    configure(den, on_exit)
    with dashboard(den) as terminal:
        if how == "SIGTERM":
            kill(terminal.program.pid, signal.SIGTERM)
        else:
            terminal.pull_the_plug()
            kill(terminal.program.pid, signal.SIGHUP)  # as a shell passes it on, a second time
        assert terminal.program.wait(30) == 128 + (15 if how == "SIGTERM" else 1)
    assert not den.home.console_crashes.exists(), "a terminal that goes is no mistake of ours"
    if has_daemon:
        wait_for_daemon(den)
    else:
        assert find_daemon(den.home) is None
    assert len(den.find_servers()) == runs


def test_no_daemon_is_started_where_another_dashboard_waits(den: ThrowAwayHome) -> None:
    configure(den)
    with dashboard(den) as terminal:
        other = den.open_session()
        wait_for(lambda: other.snapshot().leader is not None, "it follows")
        terminal.press("q")
        terminal.until_shown("Leave the console?")
        terminal.press("b")
        assert terminal.program.wait(30) == 0
        wait_for(lambda: other.snapshot().is_leader, "the other one leads")
    assert find_daemon(den.home) is None


def test_a_hand_over_that_fails_is_said_and_loses_no_model(den: ThrowAwayHome) -> None:
    configure(den)
    with dashboard(den) as terminal:
        (den.home.daemon_dir).write_text("where the daemon's folder should be")
        terminal.press("q")
        terminal.until_shown("Leave the console?")
        terminal.press("b")
        assert terminal.program.wait(30) == 0
        terminal.until_shown("The models run on, and nobody watches them: ")
    assert len(den.find_servers()) == 1
    assert den.ps()["instances"]["a"]["why"].startswith("unwatched since")


def is_suspended(pid: int) -> bool:
    """True while the process stands still."""
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


def test_a_suspended_dashboard_has_handed_the_lead_over_and_follows_when_it_comes_back(den: ThrowAwayHome) -> None:
    configure(den)
    with dashboard(den, in_shell=True) as terminal:
        job = terminal.job
        terminal.press("\x1a")
        wait_for(lambda: is_suspended(job), "it is suspended")
        daemon = wait_for_daemon(den)
        assert den.run_cli("restart", "a").returncode == 0
        terminal.forget()
        os.kill(job, signal.SIGCONT)
        terminal.until_shown("ready")
        terminal.press("q")
        terminal.until_shown(f"The daemon with PID {daemon} goes on watching.")
        terminal.press("l")
        assert terminal.program.wait(30) == 0
    assert stop_daemon(den.home, 10.0).pid == daemon


def test_what_was_started_around_a_dashboard_is_suspended_with_it(den: ThrowAwayHome) -> None:
    """A `make` that is not would leave the shell waiting for it, and the terminal for the shell."""
    configure(den, "leave")
    around = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-m', 'llama_orch_tui']))"
    with Terminal(["-c", around], den.environment(), in_shell=True) as terminal:
        terminal.until_shown("1 stopped")
        job = terminal.job
        (inside,) = psutil.Process(job).children()
        terminal.press("\x1a")
        wait_for(lambda: is_suspended(inside.pid) and is_suspended(job), "both are suspended")
        terminal.forget()
        os.killpg(job, signal.SIGCONT)
        terminal.until_shown("1 stopped")
        terminal.press("q")
        assert terminal.program.wait(30) == 0


def test_a_suspension_that_nobody_could_end_is_refused(den: ThrowAwayHome) -> None:
    """As with `xterm -e`: the console leads its session, and what is above it is no shell of that terminal."""
    configure(den)
    with dashboard(den) as terminal:
        terminal.press("\x1a")
        terminal.until_shown("Start it from a shell")
        assert not is_suspended(terminal.program.pid)
        assert den.leader_pid() == terminal.program.pid, "nor is the lead let go of"


def test_a_suspension_that_cannot_hand_over_is_refused(den: ThrowAwayHome) -> None:
    configure(den)
    with dashboard(den, in_shell=True) as terminal:
        (den.home.daemon_dir).write_text("where the daemon's folder should be")
        terminal.press("\x1a")
        terminal.until_shown("suspends without a daemon")
        assert not is_suspended(terminal.job)
        assert den.leader_pid() == terminal.job


def test_on_exit_leave_suspends_unwatched_and_leads_again(den: ThrowAwayHome) -> None:
    configure(den, "leave")
    with dashboard(den, in_shell=True) as terminal:
        job = terminal.job
        terminal.press("\x1a")
        wait_for(lambda: is_suspended(job), "it is suspended")
        assert den.ps()["leader"] is None
        os.kill(job, signal.SIGCONT)
        wait_for(lambda: den.leader_pid() == job, "it leads again")
    assert find_daemon(den.home) is None


def test_a_dashboard_without_an_engine_starts_no_daemon(den: ThrowAwayHome) -> None:
    with contextlib.closing(sqlite3.connect(den.home.state_file)) as newer:
        newer.execute("PRAGMA user_version = 9999")
    with Terminal(["-m", "llama_orch_tui"], den.environment()) as terminal:
        terminal.until_shown("written by a newer version")
        terminal.press("q")
        assert terminal.program.wait(30) == 34
    assert find_daemon(den.home) is None


def test_stepping_back_without_having_stood_aside_leaves_the_leader_at_rest(den: ThrowAwayHome) -> None:
    """As after an editor or a pager had the terminal: a wake-up that is not taken note of would spin for ever."""
    configure(den)
    session = den.open_session()
    session.step_back()
    wait_for(lambda: not session._wake.is_set(), "the leader has heard it")
    assert session.snapshot().is_leader
