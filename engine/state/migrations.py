"""The schema of ``state.sqlite``, as numbered steps; ``PRAGMA user_version`` tells which ones a file has had."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

_FIRST = """
CREATE TABLE desired (
    name TEXT PRIMARY KEY,
    desired TEXT NOT NULL CHECK (desired IN ('running', 'stopped')),
    who TEXT NOT NULL,
    ts REAL NOT NULL
);
CREATE TABLE runtime (
    name TEXT PRIMARY KEY,
    run_id TEXT NOT NULL,
    pid INTEGER,
    keeper_pid INTEGER,
    host TEXT NOT NULL,
    port INTEGER,
    cmdline TEXT NOT NULL,
    binary TEXT NOT NULL,
    status TEXT NOT NULL,
    health TEXT NOT NULL,
    started_at REAL,
    last_seen_at REAL,
    last_health_ok_at REAL,
    restarts INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    retry_at REAL,
    last_exit_run TEXT NOT NULL,
    last_exit_code INTEGER,
    last_exit_signal INTEGER,
    last_error TEXT NOT NULL,
    log_dir TEXT NOT NULL
);
CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    act TEXT NOT NULL,
    target TEXT NOT NULL,
    who TEXT NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    exit_code INTEGER,
    message TEXT,
    done_at REAL
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ts REAL NOT NULL,
    instance TEXT,
    level TEXT NOT NULL,
    type TEXT NOT NULL,
    message TEXT NOT NULL,
    meta TEXT NOT NULL
);
CREATE INDEX events_by_instance ON events (instance, ts);
CREATE INDEX events_by_level ON events (level, ts);
CREATE INDEX events_by_time ON events (ts);
CREATE TABLE health_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instance TEXT NOT NULL,
    ts REAL NOT NULL,
    health TEXT NOT NULL,
    latency_ms REAL,
    message TEXT NOT NULL
);
CREATE INDEX health_by_instance ON health_history (instance, ts);
"""


def _create_first_schema(connection: sqlite3.Connection) -> None:
    for statement in _FIRST.split(";"):
        connection.execute(statement)


def _mark_imported_rows(connection: sqlite3.Connection) -> None:
    """Rows of another program bear where they come from: none is stored twice, and age does not expire them."""
    for table in ("events", "health_history"):
        connection.execute(f"ALTER TABLE {table} ADD COLUMN imported_from TEXT")
        connection.execute(
            f"CREATE UNIQUE INDEX {table}_imported ON {table} (imported_from) WHERE imported_from IS NOT NULL"
        )


_THIRD = """
ALTER TABLE runtime ADD COLUMN binary_version TEXT NOT NULL DEFAULT '';
DROP INDEX events_by_level;
CREATE INDEX events_by_type ON events (type, ts);
CREATE INDEX events_by_instance_type ON events (instance, type, ts);
CREATE INDEX loud_events ON events (level, ts) WHERE level <> 'info';
CREATE INDEX loud_events_by_instance ON events (instance, level, ts) WHERE level <> 'info';
CREATE INDEX loud_events_by_type ON events (type, level, ts) WHERE level <> 'info';
CREATE INDEX health_by_time ON health_history (ts);
CREATE INDEX requests_by_time ON requests (created_at)
"""


def _index_for_every_question(connection: sqlite3.Connection) -> None:
    """A level is asked for to find the few loud rows: the many others need no place in an index of levels."""
    for statement in _THIRD.split(";"):
        connection.execute(statement)


Migration = Callable[[sqlite3.Connection], None]

MIGRATIONS: tuple[Migration, ...] = (_create_first_schema, _mark_imported_rows, _index_for_every_question)
"""Step N takes a file from version N to N + 1, inside the caller's transaction."""

SCHEMA_VERSION = len(MIGRATIONS)
