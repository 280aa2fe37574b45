"""A database that is newer, damaged, old or deleted, under the real program."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from engine.errors import ExitCode
from engine.paths import find_state_backups
from engine.snapshots import Act, Desired, EventQuery, EventType, State
from engine.state.migrations import MIGRATIONS, SCHEMA_VERSION
from engine.state.reading import reading
from tests.fakes.homes import ThrowAwayHome, act, kill, seen, wait_for, wait_for_state

COMMANDS = [
    ("ps",),
    ("ps", "--json"),
    ("start", "a"),
    ("stop", "a"),
    ("restart", "a"),
    ("events",),
    ("describe", "a"),
    ("daemon", "run"),
]


ONLY_NEWER = [
    ("daemon", "start"),
    ("daemon", "stop"),
    ("daemon", "status"),
    ("add", "b", "--model", "/b.gguf"),
    ("remove", "a"),
    ("health", "a"),
    ("profile", "list"),
]
"""These need no whole database, but none of a newer version either."""


def make_database(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    den.close_session(den.open_session())


@pytest.mark.parametrize("command", [*COMMANDS, *ONLY_NEWER], ids=" ".join)
def test_a_newer_database_is_34_for_every_command_and_untouched(den: ThrowAwayHome, command: tuple[str, ...]) -> None:
    make_database(den)
    with contextlib.closing(sqlite3.connect(den.home.state_file)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = den.home.state_file.read_bytes()
    done = den.run_cli(*command)
    assert done.returncode == ExitCode.STATE_DAMAGED, done
    assert f"{den.home.state_file}: " in done.stderr
    assert "by a newer version" in done.stderr
    assert den.home.state_file.read_bytes() == before
    assert not den.find_processes()


@pytest.mark.parametrize("kept", [0, 4096], ids=["no database", "damaged further in"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_damaged_database_is_34_and_never_written_over(
    den: ThrowAwayHome, command: tuple[str, ...], kept: int
) -> None:
    make_database(den)
    whole = den.home.state_file.read_bytes()
    damaged = whole[:kept] + b"\xff" * (len(whole) - kept)
    den.home.state_file.write_bytes(damaged)
    done = den.run_cli(*command)
    assert done.returncode == ExitCode.STATE_DAMAGED, done
    assert f"{den.home.state_file}: damaged" in done.stderr
    assert "move it away to begin anew" in done.stderr
    assert den.home.state_file.read_bytes() == damaged


def test_what_was_wanted_under_an_older_version_is_carried_over_by_who_leads(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    with contextlib.closing(sqlite3.connect(den.home.state_file)) as connection:
        for step in MIGRATIONS[:2]:
            step(connection)
        connection.execute("INSERT INTO desired VALUES ('a', 'running', 'cli', 1.0)")
        connection.execute("PRAGMA user_version = 2")
        connection.commit()
    refused = den.run_cli("ps")
    assert refused.returncode == ExitCode.STATE_DAMAGED
    assert "the next dashboard or daemon will bring it up to date" in refused.stderr
    session = den.open_session()
    wait_for_state(session, "a", State.READY)
    assert [".v2." in one.name for one in find_state_backups(den.home.state_file)] == [True]
    wait_for(lambda: session.read_events(EventQuery(type=EventType.READY)), "its events are stored")


def test_a_database_deleted_while_models_run_is_rebuilt_from_the_keepers_records(den: ThrowAwayHome) -> None:
    den.write_fakes("a", "b")
    session = den.open_session()
    act(session, Act.START, "a")
    server = wait_for_state(session, "a", State.READY)
    for path in den.home.state_dir.glob("state.sqlite*"):
        path.unlink()

    def rebuilt() -> bool:
        if not den.home.state_file.exists():
            return False
        with reading(den.home.state_file) as store:
            rows = store.load_runtime() if store else {}
            wanted = store.load_desired() if store else {}
        row = rows.get("a")
        same = row is not None and (row.run_id, row.pid, row.port) == (server.run_id, server.pid, server.port)
        return same and wanted == {"a": Desired.RUNNING}

    wait_for(rebuilt, "the row of the run is there again", 5.0)
    assert wait_for_state(session, "a", State.READY).pid == server.pid
    kill(server.pid or 0)
    wait_for(lambda: seen(session, "a").restarts == 1, "supervision goes on")
    assert seen(session, "b").desired is Desired.STOPPED


def test_a_daemon_outlives_a_damaged_database_and_leads_again_once_it_is_mended(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    daemon = den.start_daemon()
    assert den.run_cli("start", "a", "--wait").returncode == 0
    server = den.ps()["instances"]["a"]["pid"]
    damaged = den.home.state_dir / "from-a-bad-disk"
    damaged.write_bytes(b"\xff" * 4096)
    for rest in den.home.state_dir.glob("state.sqlite-*"):
        rest.unlink()  # SQLite would write what is in its log into whatever file it finds
    damaged.replace(den.home.state_file)  # it steps down, for its file is not where everybody looks for it
    log = den.home.daemon_dir / "daemon.log"
    wait_for(lambda: "cannot lead, and goes on trying" in log.read_text(), "the daemon says why it does not lead")
    assert f"{den.home.state_file}: damaged" in log.read_text()
    assert daemon.poll() is None
    assert den.home.state_file.read_bytes() == b"\xff" * 4096
    for path in den.home.state_dir.glob("state.sqlite*"):
        path.unlink()
    wait_for(lambda: den.home.state_file.exists() and den.leader_pid() == daemon.pid, "the daemon leads again")
    assert den.ps()["instances"]["a"]["pid"] == server
