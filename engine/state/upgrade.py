"""Bringing a database up to date: a copy of it first, then step by step, and back to the copy when a step fails.

Only the holder of the supervisor lock does this. Each step is one transaction (a new database is one as a whole): a
process that is killed in the middle leaves a file of some whole version, and the next one goes on from there.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from engine.errors import StateError
from engine.paths import find_state_backups, state_backup
from engine.state.migrations import MIGRATIONS, Migration

KEPT_BACKUPS = 5
PASSING_CODES = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
)
"""Primary codes of faults that lie outside the file and may pass: it can be tried again."""


def read_version(connection: sqlite3.Connection) -> int:
    """How many steps the database has had."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def refuse_newer(connection: sqlite3.Connection) -> int:
    """The schema version, which is not a later one than this program's.

    Raises:
        StateError: it is.
    """
    version, known = read_version(connection), len(MIGRATIONS)
    if version > known:
        raise StateError(
            f"written by a newer version (schema {version}, this program knows {known}); update llama-orch-tui"
        )
    return version


def bring_up_to_date(
    connection: sqlite3.Connection, path: Path, now: float, steps: Sequence[Migration] = MIGRATIONS
) -> None:
    """Take the database that `connection` has open at `path` through every step it has not had; `now` names the copy.

    Raises:
        StateError: a step failed; the database is as it was before, and the message names the copy.
        sqlite3.OperationalError: disk full, locked or the like; it is as it was before, and may be tried again.
        OSError: the copy could not be made; nothing was changed.
    """
    version = read_version(connection)
    backup = _keep_backup(connection, path, version, now) if version else None
    try:
        if version == 0:  # whoever looks finds nothing, or the whole
            _take_steps(connection, steps, len(steps))
        for number in range(read_version(connection), len(steps)):
            _take_steps(connection, (steps[number],), number + 1)
    except BaseException as error:
        words = f"{path}: cannot be brought from version {version} to {len(steps)}: {error}"
        words += f"; {_undo(connection, version, backup)}"
        if isinstance(error, sqlite3.Error):
            raise (sqlite3.OperationalError(words) if _may_pass(error) else StateError(words)) from error
        raise
    if backup is not None:
        _thin_out(path)


def has_tables(connection: sqlite3.Connection) -> bool:
    """True when the database holds anything."""
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None


def _take_steps(connection: sqlite3.Connection, steps: Sequence[Migration], version: int) -> None:
    """Steps that lead to `version`, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in steps:
            step(connection)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back on a full disk
            connection.execute("ROLLBACK")
        raise


def _keep_backup(connection: sqlite3.Connection, path: Path, version: int, now: float) -> Path:
    """A copy of the database as it is; one that is there already, of an earlier try, serves as well."""
    backup = state_backup(path, version, now)
    fresh = backup.with_suffix(".new")
    os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        _refuse_small_disk(path, version)
        with contextlib.closing(sqlite3.connect(fresh)) as copy:
            connection.backup(copy)
        if earlier := next((one for one in find_state_backups(path) if filecmp.cmp(one, fresh, shallow=False)), None):
            return earlier
        fresh.replace(backup)
    except (sqlite3.Error, OSError) as error:
        raise OSError(
            f"{path}: no copy can be made before it is brought up to date: {error}; nothing was changed"
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
    return backup


def _refuse_small_disk(path: Path, version: int) -> None:
    """Before a large file is copied in vain, and tried again and again."""
    needed, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    if free < needed:
        raise OSError(f"version {version} takes {needed} bytes, {free} are free on its disk")


def _undo(connection: sqlite3.Connection, version: int, backup: Path | None) -> str:
    """Back to how it was; what became of it, in words."""
    if backup is None:
        return "nothing was in it before"
    try:
        if read_version(connection) != version:
            with contextlib.closing(sqlite3.connect(backup)) as copy:
                copy.backup(connection)
    except sqlite3.Error as error:
        return f"it could not be restored, either ({error}): put {backup} in its place by hand"
    return f"it is as it was before, and a copy of it is {backup}"


def _may_pass(error: sqlite3.Error) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in PASSING_CODES


def _thin_out(path: Path) -> None:
    for old in find_state_backups(path)[:-KEPT_BACKUPS]:
        old.unlink(missing_ok=True)
