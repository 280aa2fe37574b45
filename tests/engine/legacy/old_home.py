"""Folders as llama-orchestrator left them: real databases of each version, real configurations."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

V1_INSTANCES = (
    "name TEXT PRIMARY KEY, pid INTEGER, status TEXT NOT NULL DEFAULT 'stopped',"
    " health TEXT NOT NULL DEFAULT 'unknown', start_time REAL, last_health_check REAL,"
    " restart_count INTEGER NOT NULL DEFAULT 0, config_hash TEXT NOT NULL DEFAULT '',"
    " error_message TEXT NOT NULL DEFAULT '', updated_at REAL NOT NULL"
)
HEALTH = "instance_name TEXT NOT NULL, health TEXT NOT NULL, response_time_ms REAL, error_message TEXT, checked_at REAL"
RUNTIME = (
    "name TEXT PRIMARY KEY, pid INTEGER, port INTEGER, cmdline TEXT NOT NULL DEFAULT '',"
    " binary_version TEXT NOT NULL DEFAULT '', status TEXT NOT NULL DEFAULT 'stopped',"
    " health TEXT NOT NULL DEFAULT 'unknown', started_at REAL, last_seen_at REAL, last_health_ok_at REAL,"
    " restart_attempts INTEGER NOT NULL DEFAULT 0, last_exit_code INTEGER, last_error TEXT NOT NULL DEFAULT ''"
)
EVENTS = (
    "id INTEGER PRIMARY KEY AUTOINCREMENT, ts REAL NOT NULL, instance_name TEXT,"
    " level TEXT NOT NULL DEFAULT 'info', event_type TEXT NOT NULL, message TEXT NOT NULL, meta_json TEXT"
)
IDENTITY = ("instance_uid", "instance_no", "display_name")
OLD_TS = 1_600_000_000.0
"""Far beyond every retention."""


@dataclass(frozen=True, slots=True)
class OldEvent:
    ts: object = OLD_TS
    instance: str | None = "qwen"
    level: str = "info"
    kind: str = "health_change"
    message: str = "loading → healthy"
    meta: str | None = None


@dataclass(frozen=True, slots=True)
class OldHealth:
    instance: str = "qwen"
    health: str = "healthy"
    latency: object = 12.5
    message: str | None = ""
    ts: object = OLD_TS


class OldHome:
    """A folder of llama-orchestrator in the making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def database(self) -> Path:
        return self.folder / "state" / "state.sqlite"

    def add_config(self, name: str, raw: Mapping[str, object] | str, folder: str = "") -> Path:
        path = self.folder / "instances" / (folder or name) / "config.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(raw if isinstance(raw, str) else json.dumps({"name": name, **raw}), encoding="utf-8")
        return path

    def add_database(
        self,
        version: int,
        names: tuple[str, ...] = ("qwen",),
        events: tuple[OldEvent, ...] = (),
        health: tuple[OldHealth, ...] = (),
    ) -> None:
        """A database in rollback mode, closed."""
        self.database.parent.mkdir(exist_ok=True)
        connection = self.connect()
        _create(connection, version)
        for name in names:
            connection.execute(
                "INSERT INTO instances (name, pid, status, health, restart_count, error_message, updated_at)"
                " VALUES (?, 4711, 'running', 'healthy', 3, 'old trouble', ?)",
                (name, OLD_TS),
            )
            if version > 1:
                connection.execute(
                    "INSERT INTO runtime (name, pid, port, cmdline, status, health, last_seen_at, restart_attempts,"
                    " last_exit_code, last_error)"
                    " VALUES (?, 4711, 8001, ?, 'running', 'healthy', ?, 4, 137, 'killed')",
                    (name, "llama-server --api-key s3cret", OLD_TS),
                )
        for event in events:
            add_event(connection, event)
        for one in health:
            connection.execute(
                "INSERT INTO health_history (instance_name, health, response_time_ms, error_message, checked_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (one.instance, one.health, one.latency, one.message, one.ts),
            )
        connection.commit()
        connection.close()

    def connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.database)


def add_event(connection: sqlite3.Connection, event: OldEvent) -> None:
    connection.execute(
        "INSERT INTO events (ts, instance_name, level, event_type, message, meta_json) VALUES (?, ?, ?, ?, ?, ?)",
        (event.ts, event.instance, event.level, event.kind, event.message, event.meta),
    )


def upgrade_to_v3(connection: sqlite3.Connection) -> None:
    """What llama-orchestrator does to a version 2 database; rows get new columns, and keep what they say."""
    for table in ("instances", "runtime"):
        for column in IDENTITY:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")
    for table in ("events", "health_history"):
        connection.execute(f"ALTER TABLE {table} ADD COLUMN instance_uid TEXT")
        connection.execute(f"UPDATE {table} SET instance_uid = 'uid-1'")  # noqa: S608 - two names of ours
    connection.execute("UPDATE instances SET instance_uid = 'uid-1', instance_no = '00000001', display_name = 'Qwen!'")
    connection.execute("INSERT OR REPLACE INTO schema_info VALUES ('version', '3')")
    connection.commit()


def _create(connection: sqlite3.Connection, version: int) -> None:
    connection.execute(f"CREATE TABLE instances ({V1_INSTANCES})")
    if version == 1:
        connection.execute(f"CREATE TABLE health_history ({HEALTH})")
        return
    connection.execute(f"CREATE TABLE health_history (id INTEGER PRIMARY KEY AUTOINCREMENT, {HEALTH})")
    connection.execute(f"CREATE TABLE runtime ({RUNTIME})")
    connection.execute(f"CREATE TABLE events ({EVENTS})")
    connection.execute("CREATE TABLE schema_info (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    connection.execute("INSERT INTO schema_info VALUES ('version', '2')")
    if version == 3:
        upgrade_to_v3(connection)
