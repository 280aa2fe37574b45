"""An old database is brought up to date behind a copy, or stays what it was."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import ExitCode, StateError
from engine.paths import find_state_backups
from engine.snapshots import EventQuery
from engine.state.events import get_recent_events
from engine.state.migrations import MIGRATIONS, SCHEMA_VERSION
from engine.state.store import open_store
from engine.state.upgrade import KEPT_BACKUPS, bring_up_to_date, read_version

EVENTS = 2000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


def make_old(path: Path, version: int = 1) -> None:
    """A file as an earlier version left it, with events in it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for step in MIGRATIONS[:version]:
            step(connection)
        rows = [(float(number), "a", "info", "ready", "x" * 200, "{}") for number in range(EVENTS)]
        connection.executemany(
            "INSERT INTO events (ts, instance, level, type, message, meta) VALUES (?, ?, ?, ?, ?, ?)", rows
        )
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()


def dump(path: Path) -> list[str]:
    """Everything in a database, as SQL, and its version."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return [*connection.iterdump(), str(read_version(connection))]


def upgrade(path: Path, now: float = 0.0, *further: object) -> None:
    """Bring the file up to date, with further steps behind ours."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        bring_up_to_date(connection, path, now, (*MIGRATIONS, *further))  # type: ignore[arg-type]


def fail(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM events")
    connection.execute("INSERT INTO no_such_table VALUES (1)")


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_an_old_file_keeps_its_rows_and_a_copy_of_how_it_was(path: Path, version: int) -> None:
    make_old(path, version)
    before = dump(path)
    store = open_store(path)
    assert store is not None
    store.close()
    assert len(get_recent_events(path, EventQuery(limit=10**6))) == EVENTS
    (backup,) = find_state_backups(path)
    assert f".v{version}." in backup.name
    assert dump(backup) == before
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_every_way_to_the_newest_version_ends_in_the_same_schema(tmp_path: Path) -> None:
    schemas = []
    for version in range(SCHEMA_VERSION):
        path = tmp_path / str(version) / "state.sqlite"
        path.parent.mkdir()
        if version:
            make_old(path, version)
        store = open_store(path)
        assert store is not None
        store.close()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            schemas.append(connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall())
    assert all(schema == schemas[0] for schema in schemas)


def test_a_new_file_has_nothing_to_be_copied(path: Path) -> None:
    store = open_store(path)
    assert store is not None
    store.close()
    assert find_state_backups(path) == []


def test_a_failed_step_leaves_the_file_as_it_was_and_names_the_copy(path: Path) -> None:
    """The steps before it were whole transactions: these are taken back, too."""
    make_old(path)
    before = dump(path)
    with pytest.raises(StateError, match="no such table: no_such_table") as caught:
        upgrade(path, 0.0, fail)
    assert caught.value.exit_code is ExitCode.STATE_DAMAGED
    (backup,) = find_state_backups(path)
    assert f"as it was before, and a copy of it is {backup}" in str(caught.value)
    assert dump(path) == dump(backup) == before


def test_a_step_with_a_fault_in_its_code_leaves_the_file_as_it_was(path: Path) -> None:
    def stumble(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM events")
        raise ZeroDivisionError

    make_old(path)
    before = dump(path)
    with pytest.raises(ZeroDivisionError):
        upgrade(path, 0.0, stumble)
    assert dump(path) == before


def test_a_full_disk_leaves_the_file_as_it_was_and_may_be_tried_again(path: Path) -> None:
    make_old(path)
    before = dump(path)

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
        connection.execute("CREATE TABLE wide AS SELECT message FROM events")

    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError, match=r"full.*a copy of it is"):
            upgrade(path, 0.0, fill)
        assert dump(path) == before
    upgrade(path)
    assert len(get_recent_events(path, EventQuery(limit=10**6))) == EVENTS


def test_a_try_that_is_repeated_makes_no_second_copy_of_the_same(path: Path) -> None:
    make_old(path)
    for now in range(2 * KEPT_BACKUPS):
        with pytest.raises(StateError):
            upgrade(path, float(now), fail)
    (backup,) = find_state_backups(path)
    assert "19700101T000000Z" in backup.name


def test_no_more_than_the_newest_copies_are_kept(path: Path) -> None:
    for now in range(KEPT_BACKUPS + 3):
        path.unlink(missing_ok=True)
        make_old(path, version=2)
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("INSERT INTO desired VALUES ('a', 'running', 'me', ?)", (now,))
        upgrade(path, float(now))
    kept = find_state_backups(path)
    assert len(kept) == KEPT_BACKUPS
    assert dump(kept[-1]) != dump(kept[0])
    assert [f"T00000{now}Z" in one.name for now, one in enumerate(kept, start=3)] == [True] * KEPT_BACKUPS


def test_no_copy_no_change(path: Path) -> None:
    make_old(path)
    before = dump(path)
    path.with_name("state.19700101T000000Z.v1.new").mkdir()
    with pytest.raises(OSError, match="state"):
        upgrade(path)
    assert dump(path) == before


def test_a_database_of_another_program_is_refused_untouched(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE instances (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(StateError, match="of another program; move it away"):
        open_store(path)
    with pytest.raises(StateError):
        open_store(path, create=False)
    assert path.read_bytes() == before


HELD_UP = """
import sqlite3, sys, pathlib
from engine.state.migrations import MIGRATIONS
from engine.state.upgrade import bring_up_to_date

def hold_up(connection):
    connection.execute("PRAGMA cache_size = 1")  # so that what is changed is written out, uncommitted
    connection.execute("UPDATE events SET message = message || message")
    print("in the middle", flush=True)
    sys.stdin.read()

path = pathlib.Path(sys.argv[1])
connection = sqlite3.connect(path, isolation_level=None)
bring_up_to_date(connection, path, 0.0, (*MIGRATIONS[:int(sys.argv[2])], hold_up))
"""


@pytest.mark.parametrize("done", range(1, SCHEMA_VERSION + 1))
def test_a_kill_in_the_middle_leaves_whole_steps_and_the_next_one_goes_on(path: Path, done: int) -> None:
    make_old(path)
    command = [sys.executable, "-c", HELD_UP, str(path), str(done)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as upgrading:
        assert upgrading.stdout is not None
        assert upgrading.stdout.readline() == "in the middle\n"
        upgrading.kill()
        assert upgrading.wait() != 0
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert read_version(connection) == done
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store = open_store(path)
    assert store is not None
    store.close()
    found = get_recent_events(path, EventQuery(limit=10**6))
    assert [event.message for event in found] == ["x" * 200] * EVENTS


LITTLE_ROOM = """
import pathlib, resource, sys
from engine.state.store import open_store

path = pathlib.Path(sys.argv[1])
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size - 4096, hard))
try:
    open_store(path)
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits the size of files")
def test_a_disk_without_room_for_the_copy_leaves_the_file_as_it_was_and_says_so(path: Path) -> None:
    make_old(path)
    before = dump(path)
    done = subprocess.run([sys.executable, "-c", LITTLE_ROOM, str(path)], capture_output=True, text=True, check=False)
    assert done.stdout.startswith(f"OSError {path}: no copy can be made"), done
    assert "nothing was changed" in done.stdout
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert dump(path) == before
    store = open_store(path)
    assert store is not None
    store.close()
