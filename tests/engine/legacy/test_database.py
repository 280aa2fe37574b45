"""Old databases of every version, read without being touched."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from engine.errors import ExitCode, StateError
from engine.legacy.database import load_old_database
from tests.engine.legacy.old_home import OldEvent, OldHealth, OldHome, add_event


@pytest.fixture
def old(tmp_path: Path) -> OldHome:
    return OldHome(tmp_path / "llama-orchestrator")


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_is_told_and_read_whole(old: OldHome, version: int) -> None:
    events = () if version == 1 else (OldEvent(), OldEvent(message="two"))
    old.add_database(version, ("qwen", "bge"), events, (OldHealth(), OldHealth("bge")))
    found = load_old_database(old.database)
    assert found.version == version
    assert [row["name"] for row in found.instances] == ["qwen", "bge"]
    assert [row["name"] for row in found.runtime] == ([] if version == 1 else ["qwen", "bge"])
    assert [row["message"] for row in found.events] == [event.message for event in events]
    assert [row["instance_name"] for row in found.health_history] == ["qwen", "bge"]
    assert ("instance_uid" in found.instances[0]) == (version == 3)


def test_a_database_in_wal_mode_is_read_with_its_log_and_never_written(old: OldHome) -> None:
    old.add_database(2, events=(OldEvent(message="in the file"),))
    with contextlib.closing(old.connect()) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        add_event(writer, OldEvent(message="only in the log"))
        writer.commit()
        assert old.database.with_name("state.sqlite-wal").stat().st_size > 0
        before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in old.database.parent.iterdir()}
        found = load_old_database(old.database)
        after = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in old.database.parent.iterdir()}
    assert [row["message"] for row in found.events] == ["in the file", "only in the log"]
    assert after == before


def test_what_was_half_written_when_the_old_program_died_is_rolled_back_in_the_copy(old: OldHome) -> None:
    old.add_database(2, events=(OldEvent(message="whole"),))
    with contextlib.closing(old.connect()) as writer:
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("PRAGMA cache_spill = 1")
        for number in range(500):
            add_event(writer, OldEvent(message=f"half {number} {'x' * 2000}"))
        journal = old.database.with_name("state.sqlite-journal")
        assert journal.stat().st_size > 0
        found = load_old_database(old.database)
        assert journal.exists()
        writer.rollback()
    assert [row["message"] for row in found.events] == ["whole"]


def test_a_table_that_no_version_has_is_counted(old: OldHome) -> None:
    old.add_database(2)
    with contextlib.closing(old.connect()) as connection:
        connection.execute('CREATE TABLE "odd ""table" (x)')
        connection.execute('INSERT INTO "odd ""table" VALUES (1), (2)')
        connection.commit()
    assert load_old_database(old.database).unknown_tables == (('odd "table', 2),)


def test_text_that_is_not_utf8_hides_no_other_row(old: OldHome) -> None:
    old.add_database(2, events=(OldEvent(message="before"),))
    with contextlib.closing(old.connect()) as connection:
        connection.execute(
            "INSERT INTO events (ts, event_type, message) VALUES (1, 'x', CAST(? AS TEXT))", (b"caf\xe9",)
        )
        connection.commit()
    assert [row["message"] for row in load_old_database(old.database).events] == ["before", "caf�"]


class TestRefusals:
    def refuse(self, old: OldHome) -> str:
        before = old.database.read_bytes()
        with pytest.raises(StateError) as caught:
            load_old_database(old.database)
        assert caught.value.exit_code is ExitCode.STATE_DAMAGED
        assert old.database.read_bytes() == before
        assert str(old.database) in str(caught.value)
        return str(caught.value)

    def execute(self, old: OldHome, statement: str) -> None:
        with contextlib.closing(old.connect()) as connection:
            connection.execute(statement)
            connection.commit()

    def test_a_newer_version_is_refused_by_name(self, old: OldHome) -> None:
        old.add_database(3)
        self.execute(old, "UPDATE schema_info SET value = '4'")
        assert "schema version 4, this program reads 1 to 3; update llama-orch-tui" in self.refuse(old)

    def test_a_version_that_is_no_number_is_damage(self, old: OldHome) -> None:
        old.add_database(3)
        self.execute(old, "UPDATE schema_info SET value = 'three'")
        assert "damaged (its schema version is 'three')" in self.refuse(old)

    def test_a_file_that_is_no_database_is_damage(self, old: OldHome) -> None:
        old.database.parent.mkdir()
        old.database.write_bytes(b"no database at all, and long enough to be looked at" * 100)
        assert "damaged (file is not a database); restore a copy" in self.refuse(old)

    def test_a_database_with_a_broken_page_is_damage(self, old: OldHome) -> None:
        old.add_database(2, events=tuple(OldEvent(message="x" * 500) for _ in range(200)))
        data = bytearray(old.database.read_bytes())
        data[len(data) // 2 : len(data) // 2 + 8192] = b"\xff" * 8192
        old.database.write_bytes(bytes(data))
        assert "damaged" in self.refuse(old)

    def test_a_database_of_something_else_is_refused(self, old: OldHome) -> None:
        old.database.parent.mkdir()
        self.execute(old, "CREATE TABLE songs (name TEXT)")
        assert "has no table `instances`" in self.refuse(old)
