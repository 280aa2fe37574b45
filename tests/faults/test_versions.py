"""Two installed versions on one home: who leads, who migrates, who steps down, and what they say."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine.snapshots import Act, EventType, State
from engine.state.migrations import SCHEMA_VERSION
from engine.state.reading import read_schema_version
from llama_orch_tui import __version__
from tests.fakes.homes import ThrowAwayHome, act, is_alive, seen, wait_for, wait_for_state
from tests.fakes.releases import make_release, start_console

NEXT = "99.0.0"


@pytest.fixture(scope="module")
def patch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newer release that changed none of the protocols."""
    return make_release(tmp_path_factory.mktemp("patch"), NEXT)


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The next release of everything."""
    return make_release(tmp_path_factory.mktemp("newer"), NEXT, protocol=1, records=1, has_schema=True)


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that no longer speaks what we speak."""
    return make_release(tmp_path_factory.mktemp("far"), "100.0.0", protocol=2, records=2)


def end(program: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and stderr of a program that ends."""
    _, said = program.communicate(timeout=30)
    return program.returncode, said


def terminate(program: subprocess.Popen[str]) -> None:
    """End a daemon in good order."""
    program.terminate()
    end(program)


def told(den: ThrowAwayHome, tree: Path | None = None) -> list[dict[str, Any]]:
    """What `events` of a release prints."""
    done = den.run_cli("events", "--json", tree=tree)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def pid_of(den: ThrowAwayHome, name: str) -> int:
    """The server's PID, as our `ps` tells it."""
    return int(den.ps()["instances"][name]["pid"])


def test_an_older_daemon_yields_to_a_newer_dashboard_and_ends_with_a_clear_message(
    den: ThrowAwayHome, newer: Path
) -> None:
    den.write_fakes("a")
    old = den.start_daemon()
    assert den.run_cli("start", "a", "--wait").returncode == 0
    server = pid_of(den, "a")
    fresh = start_console(den, newer)
    code, said = end(old)
    assert code == 34, said
    assert f"schema {SCHEMA_VERSION + 1}" in said
    assert "start it anew" in said
    assert is_alive(server)
    assert read_schema_version(den.home.state_file) == SCHEMA_VERSION + 1
    yielded = [event for event in told(den, newer) if event["type"] == "yielded"]
    assert f"the dashboard (PID {fresh.pid}) of version {NEXT}" in yielded[0]["message"]
    assert den.run_cli("stop", "a", tree=newer).returncode == 0  # a keeper of the version before takes the order
    wait_for(lambda: not is_alive(server), "the server has ended")


def test_an_older_console_follows_the_newer_one_says_so_and_never_leads_again(den: ThrowAwayHome, newer: Path) -> None:
    den.write_fakes("a")
    console = den.open_session()
    assert act(console, Act.START, "a").exit_code == 0
    wait_for_state(console, "a", State.READY)
    fresh = den.start_daemon(newer)
    wait_for(lambda: (console.snapshot().leader or fresh).pid == fresh.pid, "it follows the newer one")
    fault = wait_for(lambda: console.snapshot().faults, "it says what is the matter")[0]
    assert (fault.key, "start it anew" in fault.message) == ("version", True)
    assert not console.snapshot().is_leader
    assert act(console, Act.RESTART, "a").exit_code == 0  # the next release speaks our protocol
    terminate(fresh)
    wait_for(lambda: act(console, Act.STOP, "a").exit_code == 34, "nobody leads, and it says why it does not")
    assert den.leader_pid() is None
    assert is_alive(seen(console, "a").pid or 0)


def test_a_console_yields_to_a_release_with_the_same_protocols_and_takes_over_again(
    den: ThrowAwayHome, patch: Path
) -> None:
    den.write_fakes("a")
    console = den.open_session()
    fresh = den.start_daemon(patch)
    wait_for(lambda: not console.snapshot().is_leader and console.snapshot().leader, "it follows")
    assert not console.snapshot().faults
    terminate(fresh)
    wait_for(lambda: console.snapshot().is_leader, "it leads again")


def test_an_equal_or_older_console_follows_and_nobody_yields(den: ThrowAwayHome, patch: Path) -> None:
    fresh = den.start_daemon(patch)
    console = den.open_session()
    wait_for(lambda: console.snapshot().leader, "it follows")
    other = den.open_session()
    wait_for(lambda: other.snapshot().leader, "it follows")
    assert den.leader_pid() == fresh.pid
    assert not [event for event in console.snapshot().events if event.type is EventType.YIELDED]


def test_what_is_asked_is_finished_before_the_lead_is_given_up(den: ThrowAwayHome, patch: Path) -> None:
    den.write_fakes("a", flags=("--ignore-term",))
    console = den.open_session()
    assert act(console, Act.START, "a").exit_code == 0
    wait_for_state(console, "a", State.READY)
    asked = den.start_cli("stop", "a")
    wait_for_state(console, "a", State.STOPPING)
    den.start_daemon(patch)
    code, said = end(asked)
    assert code == 0, said
    events = console.snapshot().events
    kinds = [str(event.type) for event in events]
    assert kinds.index("stopped") < kinds.index("yielded")


def test_a_newer_command_asks_an_older_daemon_and_lets_it_lead(den: ThrowAwayHome, newer: Path) -> None:
    den.write_fakes("a")
    old = den.start_daemon()
    done = den.run_cli("start", "a", "--wait", tree=newer)
    assert done.returncode == 0, done.stderr
    assert den.run_cli("ps", tree=newer).returncode == 0
    assert den.leader_pid() == old.pid
    assert read_schema_version(den.home.state_file) == SCHEMA_VERSION


def test_an_older_command_works_through_a_leader_of_the_next_release(den: ThrowAwayHome, newer: Path) -> None:
    den.write_fakes("a")
    den.start_daemon(newer)
    assert den.run_cli("start", "a", "--wait").returncode == 0
    assert is_alive(pid_of(den, "a"))
    refused = den.run_cli("events")
    assert refused.returncode == 34
    assert "update llama-orch-tui" in refused.stderr
    assert den.run_cli("stop", "a").returncode == 0


@pytest.mark.parametrize("words", [("ps",), ("start", "a"), ("daemon", "run")])
def test_a_leader_that_speaks_another_protocol_is_named_with_what_to_do(
    den: ThrowAwayHome, far: Path, words: tuple[str, ...]
) -> None:
    den.write_fakes("a")
    fresh = start_console(den, far)
    refused = den.run_cli(*words)
    assert refused.returncode == 33, refused.stderr
    assert f"the dashboard (PID {fresh.pid}): it is version 100.0.0" in refused.stderr
    assert "run that version" in refused.stderr


def test_a_leader_two_releases_back_yields_all_the_same(den: ThrowAwayHome, far: Path) -> None:
    console = den.open_session()
    fresh = den.start_daemon(far)
    fault = wait_for(lambda: console.snapshot().faults, "it cannot follow, and says so")[0]
    assert f"PID {fresh.pid}" in fault.message
    terminate(fresh)
    wait_for(lambda: console.snapshot().is_leader, "it leads again")
    assert not console.snapshot().faults


def test_nobody_touches_a_later_schema_while_nobody_leads(den: ThrowAwayHome, newer: Path) -> None:
    den.write_fakes("a")
    terminate(den.start_daemon(newer))
    before = den.home.state_file.read_bytes()
    for words in (("ps",), ("start", "a"), ("events",), ("describe", "a"), ("daemon", "run")):
        refused = den.run_cli(*words)
        assert refused.returncode == 34, (words, refused.stderr)
        assert f"schema {SCHEMA_VERSION + 1}" in refused.stderr
    assert den.home.state_file.read_bytes() == before


def test_a_leader_steps_down_when_the_schema_grows_under_it_and_writes_nothing_more(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    console = den.open_session()
    assert act(console, Act.START, "a").exit_code == 0
    wait_for_state(console, "a", State.READY)
    with contextlib.closing(sqlite3.connect(den.home.state_file)) as connection, connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        connection.execute("UPDATE runtime SET last_error = 'of a later version'")
    wait_for(lambda: den.leader_pid() is None, "it does not lead any more")
    wait_for(lambda: console.snapshot().faults, "it says why")
    assert is_alive(seen(console, "a").pid or 0)
    with contextlib.closing(sqlite3.connect(den.home.state_file)) as connection:
        assert connection.execute("SELECT last_error FROM runtime").fetchall() == [("of a later version",)]


def test_a_run_of_a_keeper_that_speaks_another_protocol_is_left_alone(den: ThrowAwayHome, far: Path) -> None:
    den.write_fakes("a", "b")
    theirs = den.start_daemon(far)
    assert den.run_cli("start", "a", "--wait", tree=far).returncode == 0
    server = seen_by(den, far)
    theirs.kill()
    theirs.wait()
    console = den.open_session()
    assert "started by another version" in wait_for_state(console, "a", State.FAILED).why
    for kind in (Act.STOP, Act.START, Act.RESTART):
        outcome = act(console, kind, "a")
        assert (outcome.exit_code, "it is left alone" in outcome.message) == (31, True)
    assert act(console, Act.START, "b").exit_code == 0
    assert is_alive(server)
    den.close_session(console)
    assert den.run_cli("stop", "a", tree=far).returncode == 0
    console = den.open_session()
    assert act(console, Act.START, "a").exit_code == 0


def seen_by(den: ThrowAwayHome, tree: Path) -> int:
    """The PID of `a`, as a release's `ps` tells it."""
    found = json.loads(den.run_cli("ps", "--json", tree=tree).stdout)["instances"]
    return int(next(one["pid"] for one in found if one["name"] == "a"))


def test_a_start_after_the_program_was_replaced_on_disk_says_so(den: ThrowAwayHome, tmp_path: Path) -> None:
    den.write_fakes("a")
    tree = make_release(tmp_path, __version__)
    den.start_daemon(tree)
    path = tree / "engine/process/records.py"
    compiled_s = path.stat().st_mtime
    path.write_text(path.read_text().replace("VERSION = 1", "VERSION = 3"))
    os.utime(path, (compiled_s + 2, compiled_s + 2))  # byte code knows its source by size and whole second
    refused = den.run_cli("start", "a")
    assert refused.returncode == 30
    assert "replaced by another version" in refused.stderr


def test_a_leader_that_forks_its_keepers_goes_on_with_them_after_the_program_was_replaced(
    den: ThrowAwayHome, tmp_path: Path
) -> None:
    """They have the code that their leader has, whatever is on disk by now."""
    den.write_fakes("a", "b", "c")
    tree = make_release(tmp_path, __version__)
    den.start_daemon(tree)
    for name in ("a", "b"):  # the second one is forked
        assert den.run_cli("start", name, "--wait").returncode == 0
    for path in sorted((tree / "engine/process").glob("*.py")):
        path.write_text(path.read_text().replace("VERSION = 1", "VERSION = 3") + "\nraise SystemExit(9)\n")
    assert den.run_cli("start", "c", "--wait").returncode == 0
    assert den.run_cli("restart", "b", "--wait").returncode == 0
    assert is_alive(pid_of(den, "c"))
