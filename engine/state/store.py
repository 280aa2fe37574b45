"""The SQLite store: one statement per function, rows turned into dataclasses at the border.

A `Store` is one connection, to be used by the one thread that opened it. Everything that writes begins IMMEDIATE:
a transaction that upgrades from reading to writing fails under load whatever its busy time-out
(https://www.sqlite.org/isolation.html).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.clock import Clock
from engine.errors import StateError
from engine.snapshots import (
    Desired,
    Event,
    EventQuery,
    Health,
    Level,
    MetaValue,
    Outcome,
    Request,
    Status,
    parse_event_type,
)
from engine.state.migrations import SCHEMA_VERSION
from engine.state.trouble import describe_damage
from engine.state.upgrade import bring_up_to_date, has_tables, refuse_newer

BUSY_TIMEOUT_S = 5.0
_LEVELS = tuple(Level)
_EventRow = tuple[int, float, str | None, str, str, str, str]


class Kept(StrEnum):
    """A table whose rows are kept for a while only."""

    EVENTS = "events"
    HEALTH = "health_history"
    REQUESTS = "requests"

    @property
    def time(self) -> str:
        """The column that tells a row's age."""
        return "created_at" if self is Kept.REQUESTS else "ts"

    @property
    def own(self) -> str:
        """The condition that leaves imported rows out."""
        return "" if self is Kept.REQUESTS else "AND imported_from IS NULL"


@dataclass(frozen=True, slots=True)
class RuntimeRow:
    """What the supervisor remembers of an instance over its own end."""

    name: str
    run_id: str = ""
    pid: int | None = None
    keeper_pid: int | None = None
    host: str = ""
    port: int | None = None
    cmdline: str = ""
    """Redacted."""
    binary: str = ""
    binary_version: str = ""
    """What the program says of its version; empty when it was not asked, or says nothing."""
    status: Status = Status.STOPPED
    health: Health = Health.UNKNOWN
    started_at: float | None = None
    last_seen_at: float | None = None
    last_health_ok_at: float | None = None
    restarts: int = 0
    failures: int = 0
    """Ends in a row without a stable run between them."""
    retry_at: float | None = None
    last_exit_run: str = ""
    """The last run whose end was judged; judging it twice is thereby impossible."""
    last_exit_code: int | None = None
    last_exit_signal: int | None = None
    last_error: str = ""
    log_dir: str = ""


_RUNTIME_COLUMNS = tuple(RuntimeRow.__dataclass_fields__)


class Store:
    """One connection to the state database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction for all that is written inside.

        Raises (nothing was written then):
            sqlite3.OperationalError: locked for too long, or the disk is full.
            StateError: a newer program has migrated the database since it was opened.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            refuse_newer(self._connection)
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def save_desired(self, name: str, desired: Desired, who: str, ts: float) -> None:
        """Remember what the operator wants of an instance."""
        self._connection.execute(
            "INSERT INTO desired VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
            " SET desired = excluded.desired, who = excluded.who, ts = excluded.ts",
            (name, desired.value, who, ts),
        )

    def add_desired(self, name: str, desired: Desired, who: str, ts: float) -> None:
        """Remember what is wanted of an instance, unless somebody has decided about it before."""
        self._connection.execute(
            "INSERT INTO desired VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING", (name, desired.value, who, ts)
        )

    def load_desired(self) -> dict[str, Desired]:
        """What is wanted of every instance that somebody ever decided about."""
        return {name: Desired(value) for name, value in self._connection.execute("SELECT name, desired FROM desired")}

    def load_deciders(self) -> dict[str, str]:
        """Who last decided about every instance."""
        return dict(self._connection.execute("SELECT name, who FROM desired").fetchall())

    def load_decision_times(self) -> dict[str, float]:
        """When somebody last decided about every instance."""
        return dict(self._connection.execute("SELECT name, ts FROM desired").fetchall())

    def save_runtime(self, row: RuntimeRow) -> None:
        """Remember where an instance is."""
        values = [getattr(row, column) for column in _RUNTIME_COLUMNS]
        marks = ", ".join("?" * len(values))
        self._connection.execute(
            f"INSERT OR REPLACE INTO runtime ({', '.join(_RUNTIME_COLUMNS)}) VALUES ({marks})",  # noqa: S608 - our own names
            values,
        )

    def load_runtime(self) -> dict[str, RuntimeRow]:
        """Where every instance was when it was last written down."""
        cursor = self._connection.execute(f"SELECT {', '.join(_RUNTIME_COLUMNS)} FROM runtime")  # noqa: S608 - our own names
        rows = [dict(zip(_RUNTIME_COLUMNS, values, strict=True)) for values in cursor]
        return {
            row["name"]: RuntimeRow(**{**row, "status": Status(row["status"]), "health": Health(row["health"])})
            for row in rows
        }

    def save_request(self, request: Request, outcome: Outcome | None, now: float) -> None:
        """Record a request, and what became of it once that is known."""
        done = (outcome.exit_code, outcome.message, now) if outcome else (None, None, None)
        target = {
            "names": request.target.names,
            "everything": request.target.everything,
            "unhealthy": request.target.unhealthy,
            "tag": request.target.tag,
            "profile": request.target.profile,
        }
        self._connection.execute(
            "INSERT OR REPLACE INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                request.id,
                request.act.value,
                json.dumps(target),
                request.who,
                request.created_at,
                request.expires_at,
                *done,
            ),
        )

    def has_request(self, request_id: str) -> bool:
        """True when a request of this id was recorded: it must not be carried out again."""
        return self._connection.execute("SELECT 1 FROM requests WHERE id = ?", (request_id,)).fetchone() is not None

    def settle_requests(self, message: str, exit_code: int, now: float) -> int:
        """Close requests that a leader left half done; how many."""
        return self._connection.execute(
            "UPDATE requests SET exit_code = ?, message = ?, done_at = ? WHERE done_at IS NULL",
            (exit_code, message, now),
        ).rowcount

    def add_event(self, event: Event, imported_from: str | None = None) -> None:
        """Append to the event log.

        `imported_from` names the row of another program: it is stored once only, and kept whatever its age.
        """
        self._connection.execute(
            "INSERT INTO events (ts, instance, level, type, message, meta, imported_from) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (imported_from) WHERE imported_from IS NOT NULL DO NOTHING",
            (
                event.ts,
                event.instance,
                event.level.value,
                str(event.type),
                event.message,
                json.dumps(dict(event.meta), ensure_ascii=False),
                imported_from,
            ),
        )

    def read_events(self, query: EventQuery) -> tuple[Event, ...]:
        """The newest events that match, oldest first."""
        # One level at a time: only so is each answered from an index, in the order of time.
        levels = (None,) if query.level in (None, Level.INFO) else _LEVELS[_LEVELS.index(query.level) :]
        rows = [row for level in levels for row in self._read_page(query, level)]
        rows.sort(key=lambda row: (row[1], row[0]))
        return tuple(_parse_event(row) for row in rows[max(0, len(rows) - query.limit) :])

    def read_events_after(self, event_id: int, limit: int) -> tuple[Event, ...]:
        """The first `limit` events that were stored after the one of this number, in the order of their storing."""
        query = "SELECT id, ts, instance, level, type, message, meta FROM events WHERE id > ? ORDER BY id LIMIT ?"
        return tuple(_parse_event(row) for row in self._connection.execute(query, (event_id, limit)))

    def find_newest_event(self) -> int:
        """The number of the event that was stored last; 0 when there is none."""
        found: int | None = self._connection.execute("SELECT max(id) FROM events").fetchone()[0]
        return found or 0

    def count_events(self) -> int:
        """How many events are stored."""
        count: int = self._connection.execute("SELECT count(*) FROM events").fetchone()[0]
        return count

    def _read_page(self, query: EventQuery, level: Level | None) -> list[_EventRow]:
        wanted: list[tuple[str, object]] = [
            ("instance = ?", query.instance),
            ("type = ?", query.type),
            ("level = ?", level),
            ("ts >= ?", query.since),
            ("ts <= ?", query.until),
        ]
        clauses = [clause for clause, value in wanted if value is not None]
        values = [value for _, value in wanted if value is not None]
        if query.before is not None:
            ts, number = query.before
            clauses.append("ts <= ? AND (ts < ? OR id < ?)")  # the first half is what an index answers
            values += [ts, ts, number]
        if level is not None:
            clauses.append("level <> 'info'")  # says it in the words of the index, which holds no other rows
        where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
        return self._connection.execute(
            "SELECT id, ts, instance, level, type, message, meta FROM events"  # noqa: S608 - clauses are ours
            f" {where} ORDER BY ts DESC, id DESC LIMIT ?",
            (*values, query.limit),
        ).fetchall()

    def add_health(
        self,
        instance: str,
        ts: float,
        health: Health,
        latency_ms: float | None,
        message: str,
        imported_from: str | None = None,
    ) -> None:
        """Append to the health history; `imported_from` means what it means for an event."""
        self._connection.execute(
            "INSERT INTO health_history (instance, ts, health, latency_ms, message, imported_from)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (imported_from) WHERE imported_from IS NOT NULL DO NOTHING",
            (instance, ts, health.value, latency_ms, message, imported_from),
        )

    def load_imported(self) -> frozenset[str]:
        """Where every imported row comes from."""
        rows = self._connection.execute(
            "SELECT imported_from FROM events WHERE imported_from IS NOT NULL"
            " UNION ALL SELECT imported_from FROM health_history WHERE imported_from IS NOT NULL"
        )
        return frozenset(origin for (origin,) in rows)

    def read_health(self, instance: str, limit: int) -> tuple[tuple[float, Health, float | None, str], ...]:
        """The newest health records of an instance (time, health, latency in ms, message), oldest first."""
        rows = self._connection.execute(
            "SELECT ts, health, latency_ms, message FROM health_history WHERE instance = ? ORDER BY ts DESC LIMIT ?",
            (instance, limit),
        ).fetchall()
        return tuple((ts, Health(health), latency, message) for ts, health, latency, message in reversed(rows))

    def find_older(self, table: Kept, after: float, before: float, limit: int) -> list[tuple[int, float]]:
        """Number and time of the oldest rows (`limit` at most) from the moment `after` to just before `before`.

        Imported rows are left out: they are all that remains of the other program's history.
        """
        return self._connection.execute(
            f"SELECT rowid, {table.time} FROM {table}"  # noqa: S608 - our own names
            f" WHERE {table.time} >= ? AND {table.time} < ? {table.own} ORDER BY {table.time} LIMIT ?",
            (after, before, limit),
        ).fetchall()

    def find_surplus(self, table: Kept, max_rows: int, limit: int) -> list[int]:
        """Numbers of the oldest written rows (`limit` at most) beyond the newest `max_rows`, imported ones aside."""
        where = "imported_from IS NOT NULL"
        imported = self._connection.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]  # noqa: S608
        newest = self._connection.execute(f"SELECT max(id) FROM {table}").fetchone()[0] or 0  # noqa: S608
        rows = self._connection.execute(
            f"SELECT id FROM {table} WHERE id <= ? {table.own} ORDER BY id LIMIT ?",  # noqa: S608
            (newest - max_rows - imported, limit),
        )
        return [number for (number,) in rows]

    def delete_rows(self, table: Kept, numbers: Sequence[int]) -> None:
        """Delete these rows."""
        self._connection.executemany(f"DELETE FROM {table} WHERE rowid = ?", [(number,) for number in numbers])  # noqa: S608


def _parse_event(row: _EventRow) -> Event:
    identity, ts, instance, level, kind, message, meta = row
    pairs: dict[str, MetaValue] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in json.loads(meta).items()
    }
    return Event(ts, instance, Level(level), parse_event_type(kind), message, tuple(sorted(pairs.items())), identity)


def open_store(
    path: Path, *, create: bool = True, busy_timeout_s: float = BUSY_TIMEOUT_S, clock: Clock | None = None
) -> Store | None:
    """Open the database, made and brought up to date if need be; None when there is none and `create` is False.

    Only the holder of the supervisor lock may create it or bring it up to date; `clock` names the copy made before.

    Raises:
        StateError: it is damaged, another program's, newer than this one, or (without `create`) older; or it could
            not be brought up to date.
        sqlite3.OperationalError: it is locked, or its folder cannot be written.
        OSError: its folder cannot be made, or has no room for the copy.
    """
    if not create and not path.exists():
        return None
    if create:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        connection = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None)
        try:
            is_ready = _prepare(connection, path, clock or Clock(), create=create)
        except BaseException:
            connection.close()
            raise
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise describe_damage(path, error) from error
    if not is_ready:
        connection.close()
        return None
    return Store(connection)


def _prepare(connection: sqlite3.Connection, path: Path, clock: Clock, *, create: bool) -> bool:
    """Make it fit for use; False when nobody has written anything into it yet."""
    try:
        version = refuse_newer(connection)
    except StateError as error:
        raise StateError(f"{path}: {error}") from error
    if version < SCHEMA_VERSION:
        is_empty = version == 0 and not has_tables(connection)
        if version == 0 and not is_empty:
            raise StateError(f"{path}: a database of another program; move it away to begin anew")
        if not create:
            if is_empty:
                return False
            raise StateError(
                f"{path}: written by an older version; the next dashboard or daemon will bring it up to date"
            )
        path.chmod(0o600)  # the -wal and -shm files take the mode of this one
        connection.execute("PRAGMA journal_mode = WAL")
        bring_up_to_date(connection, path, clock.wall())
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return True
