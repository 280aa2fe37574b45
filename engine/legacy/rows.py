"""Rows of the old database as ours; message and type stay as they are. Pure.

A row is known by what it says, not by its number: the old program may have compacted or upgraded its database between
two imports, and rows that say the same are counted.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.config.redact import redact_argv
from engine.legacy.database import Row
from engine.legacy.source import Remark
from engine.snapshots import Event, EventType, Health, Level, MetaValue, Status, parse_event_type
from engine.state.store import RuntimeRow

_END_OF_TIME_S = 253_402_300_800
"""The year 10000, which no date can say."""
_EVENT_COLUMNS = ("ts", "instance_name", "level", "event_type", "message", "meta_json")
_HEALTH_COLUMNS = ("instance_name", "health", "response_time_ms", "error_message", "checked_at")
_LEVELS = {"debug": Level.INFO, "warn": Level.WARNING, "critical": Level.ERROR, "fatal": Level.ERROR}
_HEALTHS = {"error": Health.UNHEALTHY}


@dataclass(frozen=True, slots=True)
class ImportedEvent:
    """An event to store, and the row that it was."""

    event: Event
    origin: str


@dataclass(frozen=True, slots=True)
class ImportedHealth:
    """A health record to store, and the row that it was."""

    instance: str
    ts: float
    health: Health
    latency_ms: float | None
    message: str
    origin: str


class Origins:
    """Names rows by what they say."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def name(self, table: str, row: Row, columns: tuple[str, ...]) -> str:
        """Where this row comes from; the second row that says the same has another name."""
        words = repr([row.get(column) for column in columns]).encode("utf-8", "backslashreplace")
        digest = f"llama-orchestrator:{table}:{hashlib.blake2s(words, digest_size=16).hexdigest()}"
        self._seen[digest] += 1
        return f"{digest}:{self._seen[digest]}"


class Losses:
    """Collects what rows did not bring over, one remark for each reason."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._rows: dict[str, list[int]] = {}

    def add(self, number: int, reason: str) -> None:
        """Name a row, counted from 1, for a reason."""
        self._rows.setdefault(reason, []).append(number)

    def remarks(self) -> tuple[Remark, ...]:
        """One remark for each reason."""
        return tuple(Remark(self._table, f"{_name_rows(rows)}: {reason}") for reason, rows in self._rows.items())


def _name_rows(rows: list[int]) -> str:
    """``row 3``, ``rows 3-7, 9``."""
    spans: list[list[int]] = []
    for row in rows:
        if spans and spans[-1][1] == row - 1:
            spans[-1][1] = row
        else:
            spans.append([row, row])
    words = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)
    return f"row {words}" if len(rows) == 1 else f"rows {words}"


def parse_events(rows: tuple[Row, ...], names: Mapping[str, str], losses: Losses) -> Iterator[ImportedEvent]:
    """The events of the old database under our names; what cannot be one goes to `losses`."""
    origins = Origins()
    for number, row in enumerate(rows, 1):
        origin = origins.name("events", row, _EVENT_COLUMNS)
        ts = parse_moment(row.get("ts"))
        if ts is None:
            losses.add(number, f"left out: its time {row.get('ts')!r} is none")
            continue
        old = row.get("instance_name")
        instance = None if old is None else names[str(old)]
        level, kind = _parse_level(row.get("level")), str(row.get("event_type"))
        meta = _parse_meta(row.get("meta_json"))
        if level.value != row.get("level"):
            losses.add(number, f"level {row.get('level')!r} became {level.value}; the old word is in meta")
            meta["old_level"] = str(row.get("level"))
        if instance != old:
            meta["old_name"] = str(old)
        if (uid := row.get("instance_uid")) is not None:
            meta.setdefault("instance_uid", str(uid))
        event = Event(ts, instance, level, parse_event_type(kind), str(row.get("message")), tuple(sorted(meta.items())))
        yield ImportedEvent(event, origin)


def parse_health(rows: tuple[Row, ...], names: Mapping[str, str], losses: Losses) -> Iterator[ImportedHealth]:
    """The health history of the old database under our names; what cannot be a record goes to `losses`."""
    origins = Origins()
    for number, row in enumerate(rows, 1):
        origin = origins.name("health_history", row, _HEALTH_COLUMNS)
        ts = parse_moment(row.get("checked_at"))
        if ts is None:
            losses.add(number, f"left out: its time {row.get('checked_at')!r} is none")
            continue
        old = row.get("health")
        health = _parse_health(old)
        if health.value != old:
            losses.add(number, f"health {old!r} became {health.value}")
        latency = _parse_number(row.get("response_time_ms"))
        if latency is None and row.get("response_time_ms") is not None:
            losses.add(number, f"response time {row['response_time_ms']!r} left out: not a number")
        message = row.get("error_message")
        yield ImportedHealth(
            names[str(row.get("instance_name"))], ts, health, latency, "" if message is None else str(message), origin
        )


def build_state_event(name: str, state: Row, runtime: Row, version: int, now: float) -> ImportedEvent:
    """The old rows about one instance itself, whole, in the one event that says what it was."""
    meta: dict[str, MetaValue] = {"schema": version}
    for table, row in (("instances", state), ("runtime", runtime)):
        for column, value in row.items():
            if value is not None and value != "":
                meta[f"{table}.{column}"] = _flatten(_redact(column, value))
    both = {**state, **{f"runtime.{column}": value for column, value in runtime.items()}}
    columns = tuple(sorted(column for column in both if column.removeprefix("runtime.") not in _ADDED_LATER))
    origin = Origins().name("instances", both, columns)
    known = runtime or state
    message = f"imported from llama-orchestrator; it was {known.get('status')}, {known.get('health')}"
    ts = parse_moment(state.get("updated_at")) or parse_moment(runtime.get("last_seen_at")) or now
    return ImportedEvent(Event(ts, name, Level.INFO, EventType.IMPORTED, message, tuple(sorted(meta.items()))), origin)


_ADDED_LATER = ("instance_uid", "instance_no", "display_name")
"""Columns of version 3: upgrading the old database makes its rows no other rows."""


def build_runtime(name: str, state: Row, runtime: Row) -> RuntimeRow:
    """What the supervisor shall remember: nothing runs here, whatever the old rows say of processes."""
    error = runtime.get("last_error") or state.get("error_message") or ""
    code = runtime.get("last_exit_code")
    restarts = runtime.get("restart_attempts", state.get("restart_count"))
    port = runtime.get("port")
    return RuntimeRow(
        name,
        port=port if isinstance(port, int) else None,
        cmdline=str(_redact("cmdline", runtime.get("cmdline") or "")),
        status=Status.STOPPED,
        last_seen_at=parse_moment(runtime.get("last_seen_at")),
        last_health_ok_at=parse_moment(runtime.get("last_health_ok_at")),
        restarts=restarts if isinstance(restarts, int) else 0,
        last_exit_code=code if isinstance(code, int) else None,
        last_error=str(error),
    )


def parse_moment(value: object) -> float | None:
    """Seconds since the epoch out of a number, or of a date as SQLite writes it (UTC); None when it is neither."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return _parse_time(_parse_number(value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return _parse_time(_parse_number(value))


def _parse_time(ts: float | None) -> float | None:
    return ts if ts is not None and 0 <= ts < _END_OF_TIME_S else None


def _parse_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _parse_level(word: object) -> Level:
    text = str(word).lower()
    return next((level for level in Level if level == text), _LEVELS.get(text, Level.INFO))


def _parse_health(word: object) -> Health:
    text = str(word).lower()
    return next((health for health in Health if health == text), _HEALTHS.get(text, Health.UNKNOWN))


def _parse_meta(text: object) -> dict[str, MetaValue]:
    """The old meta, nested values as JSON text; what is no object stands whole under ``meta_json``."""
    if text is None or text == "":
        return {}
    try:
        meta = json.loads(str(text))
    except (ValueError, RecursionError):
        return {"meta_json": str(text)}
    if not isinstance(meta, dict):
        return {"meta_json": str(text)}
    return {key: _flatten(value) for key, value in meta.items()}


def _flatten(value: object) -> MetaValue:
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case list() if all(isinstance(one, str) for one in value):
            return tuple(value)
        case bytes():
            return value.hex()
        case _:
            return json.dumps(value, ensure_ascii=False)


def _redact(column: str, value: object) -> object:
    return redact_argv((value,))[0] if column == "cmdline" and isinstance(value, str) else value
