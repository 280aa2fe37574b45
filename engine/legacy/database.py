"""llama-orchestrator's state database, versions 1 to 3, read from a private copy: SQLite never opens the original."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

from engine.errors import StateError

NEWEST_VERSION = 3
COPY_TRIES = 5
_SIDE_FILES = ("", "-wal", "-journal")
"""The database and what SQLite keeps beside it; the copy makes its own -shm."""
_OWN_TABLES = frozenset(["desired", "requests"])
_TABLES = ("instances", "runtime", "events", "health_history")
_BOOKKEEPING = frozenset(["schema_info", "sqlite_sequence", "sqlite_stat1"])

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class OldDatabase:
    """Every row, by column; what a version does not have is empty."""

    path: Path
    version: int
    instances: tuple[Row, ...]
    runtime: tuple[Row, ...]
    events: tuple[Row, ...]
    health_history: tuple[Row, ...]
    unknown_tables: tuple[tuple[str, int], ...]
    """Tables that no version of llama-orchestrator has, with their rows counted."""


def load_old_database(path: Path) -> OldDatabase:
    """Read all of a database of llama-orchestrator, whether it is in WAL mode or not.

    Raises:
        StateError: it is damaged, newer than version 3, none of llama-orchestrator, or being written to.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="lorch-import-") as folder:
            copy = _copy(path, Path(folder))
            with contextlib.closing(sqlite3.connect(copy)) as connection:
                connection.text_factory = _decode
                return _read(connection, path)
    except sqlite3.Error as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        raise StateError(f"{path}: cannot be copied to read it: {error.strerror or error}") from error


def _copy(path: Path, folder: Path) -> Path:
    """A copy of the database and its log, taken while neither changed.

    Raises:
        StateError: they change again and again.
    """
    target = folder / "state.sqlite"
    for _ in range(COPY_TRIES):
        before = _fingerprint(path)
        for suffix in _SIDE_FILES:
            side, copy = path.with_name(path.name + suffix), target.with_name(target.name + suffix)
            copy.unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):  # the side files come and go
                shutil.copyfile(side, copy)
        if _fingerprint(path) == before:
            return target
    raise StateError(f"{path}: is being written to; stop llama-orchestrator, then import again")


def _fingerprint(path: Path) -> tuple[tuple[int, int] | None, ...]:
    found: list[tuple[int, int] | None] = []
    for suffix in _SIDE_FILES:
        try:
            side = path.with_name(path.name + suffix).stat()
            found.append((side.st_size, side.st_mtime_ns))
        except FileNotFoundError:
            found.append(None)
    return tuple(found)


def _decode(data: bytes) -> str:
    """Text of the old database; one row with a broken character must not hide the others."""
    return data.decode("utf-8", "replace")


def _read(connection: sqlite3.Connection, path: Path) -> OldDatabase:
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise _damaged(path, str(verdict))
    tables = [str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if _OWN_TABLES.issubset(tables):
        raise StateError(f"{path}: belongs to llama-orch-tui itself; name the folder of llama-orchestrator")
    if "instances" not in tables:
        raise StateError(f"{path}: has no table `instances`, so llama-orchestrator did not write it")
    version = _read_version(connection, path, tables)
    known = {name: _read_table(connection, name) if name in tables else () for name in _TABLES}
    unknown = [name for name in tables if name not in _TABLES and name not in _BOOKKEEPING]
    return OldDatabase(
        path,
        version,
        known["instances"],
        known["runtime"],
        known["events"],
        known["health_history"],
        tuple((name, _count(connection, name)) for name in unknown),
    )


def _read_version(connection: sqlite3.Connection, path: Path, tables: list[str]) -> int:
    if "schema_info" not in tables:
        return 1
    found = connection.execute("SELECT value FROM schema_info WHERE key = 'version'").fetchone()
    text = str(found[0]) if found else "1"
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise _damaged(path, f"its schema version is {text!r}")
    if int(text) > NEWEST_VERSION:
        raise StateError(
            f"{path}: schema version {text}, this program reads 1 to {NEWEST_VERSION}; update llama-orch-tui"
        )
    return int(text)


def _read_table(connection: sqlite3.Connection, table: str) -> tuple[Row, ...]:
    cursor = connection.execute(f"SELECT * FROM {table} ORDER BY rowid")  # noqa: S608 - one of our own names
    columns = [column[0] for column in cursor.description]
    return tuple(dict(zip(columns, values, strict=True)) for values in cursor)


def _count(connection: sqlite3.Connection, table: str) -> int:
    quoted = table.replace('"', '""')
    return int(connection.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()[0])  # noqa: S608 - quoted


def _damaged(path: Path, reason: str) -> StateError:
    return StateError(
        f"{path}: damaged ({reason}); restore a copy of it, or move it away to import the configurations alone"
    )
