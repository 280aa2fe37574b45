"""Old rows as ours: message and type verbatim, nothing dropped without a word."""

from __future__ import annotations

import pytest

from engine.legacy.database import Row
from engine.legacy.rows import (
    ImportedEvent,
    Losses,
    build_runtime,
    build_state_event,
    parse_events,
    parse_health,
    parse_moment,
)
from engine.snapshots import EventType, Health, Level, Status

NAMES = {"qwen": "qwen", "my model": "my-model"}


def event_row(**changes: object) -> Row:
    row: Row = {"id": 1, "ts": 5.0, "instance_name": "qwen", "level": "info", "event_type": "health_change"}
    return {**row, "message": "loading → healthy\n", "meta_json": None, **changes}


def parse_one(**changes: object) -> tuple[ImportedEvent, list[str]]:
    losses = Losses("table events")
    (found,) = parse_events((event_row(**changes),), NAMES, losses)
    return found, [remark.message for remark in losses.remarks()]


def test_a_foreign_type_and_the_message_stay_verbatim() -> None:
    found, told = parse_one()
    assert (found.event.type, found.event.message) == ("health_change", "loading → healthy\n")
    assert not isinstance(found.event.type, EventType)
    assert told == []


def test_a_type_that_is_ours_too_is_ours() -> None:
    assert parse_one(event_type="started")[0].event.type is EventType.STARTED


@pytest.mark.parametrize(
    ("old", "new"),
    [("WARNING", Level.WARNING), ("critical", Level.ERROR), ("debug", Level.INFO), ("odd", Level.INFO)],
)
def test_a_level_that_is_not_ours_becomes_the_nearest_and_is_named(old: str, new: Level) -> None:
    found, told = parse_one(level=old)
    assert found.event.level is new
    assert ("old_level", old) in found.event.meta
    assert told == [f"row 1: level {old!r} became {new.value}; the old word is in meta"]


@pytest.mark.parametrize(
    ("meta", "pairs"),
    [
        (None, ()),
        ('{"a": 1, "b": ["x"], "c": null}', (("a", 1), ("b", ("x",)), ("c", None))),
        ('{"deep": {"a": [1]}}', (("deep", '{"a": [1]}'),)),
        ("[1]", (("meta_json", "[1]"),)),
        ("{broken", (("meta_json", "{broken"),)),
    ],
)
def test_meta_comes_over_flat_and_what_is_no_object_whole(meta: str | None, pairs: tuple[object, ...]) -> None:
    assert parse_one(meta_json=meta)[0].event.meta == pairs


def test_a_renamed_instance_is_found_under_its_new_name_and_its_old_one_is_kept() -> None:
    found, _ = parse_one(instance_name="my model")
    assert found.event.instance == "my-model"
    assert ("old_name", "my model") in found.event.meta


def test_an_event_of_nobody_stays_nobodys() -> None:
    assert parse_one(instance_name=None)[0].event.instance is None


@pytest.mark.parametrize("ts", [None, "soon", -1.0, 1e300, float("inf"), b"\x00"])
def test_a_row_without_a_time_is_named_and_left_out(ts: object) -> None:
    losses = Losses("table events")
    rows = (event_row(), event_row(ts=ts), event_row(ts=ts), event_row())
    assert len(list(parse_events(rows, NAMES, losses))) == 2
    (remark,) = losses.remarks()
    assert remark.subject == "table events"
    assert remark.message.startswith("rows 2-3: left out: its time")


@pytest.mark.parametrize("text", ["1970-01-02 00:00:00", "1970-01-02T00:00:00Z", "86400", 86400, 86400.0])
def test_a_moment_is_a_number_or_a_date_in_utc(text: object) -> None:
    assert parse_moment(text) == 86400.0


def test_rows_that_say_the_same_are_told_apart_whatever_their_numbers() -> None:
    first = list(parse_events((event_row(id=1), event_row(id=2), event_row(id=3, ts=6.0)), NAMES, Losses("")))
    again = list(parse_events((event_row(id=7), event_row(id=8), event_row(id=9, ts=6.0)), NAMES, Losses("")))
    assert len({one.origin for one in first}) == 3
    assert [one.origin for one in again] == [one.origin for one in first]


def test_the_columns_of_version_3_make_a_row_no_other_row() -> None:
    plain, upgraded = parse_one()[0], parse_one(instance_uid="u1")[0]
    assert plain.origin == upgraded.origin
    assert ("instance_uid", "u1") in upgraded.event.meta


def test_a_health_word_that_is_not_ours_becomes_the_nearest_and_is_named() -> None:
    base: Row = {"instance_name": "qwen", "response_time_ms": 2, "error_message": None, "checked_at": 5.0}
    losses = Losses("table health_history")
    words = ("healthy", "error", "odd", "error")
    found = list(parse_health(tuple({**base, "health": word} for word in words), NAMES, losses))
    assert [one.health for one in found] == [Health.HEALTHY, Health.UNHEALTHY, Health.UNKNOWN, Health.UNHEALTHY]
    assert [remark.message for remark in losses.remarks()] == [
        "rows 2, 4: health 'error' became unhealthy",
        "row 3: health 'odd' became unknown",
    ]
    assert (found[0].latency_ms, found[0].message) == (2.0, "")


STATE: Row = {
    "name": "qwen",
    "pid": 7,
    "status": "running",
    "restart_count": 3,
    "error_message": "old",
    "updated_at": 9,
}
RUNTIME: Row = {"name": "qwen", "cmdline": "s --api-key s3cret", "restart_attempts": 4, "last_error": "", "pid": 7}


def test_nothing_runs_here_whatever_the_old_rows_say() -> None:
    row = build_runtime("qwen", STATE, RUNTIME)
    assert (row.status, row.health, row.pid, row.run_id) == (Status.STOPPED, Health.UNKNOWN, None, "")
    assert (row.restarts, row.last_error) == (4, "old")
    assert build_runtime("qwen", STATE, {}).restarts == 3


def test_the_old_state_is_kept_whole_in_one_event_without_its_secrets() -> None:
    found = build_state_event("qwen", STATE, RUNTIME, 2, now=100.0)
    meta = dict(found.event.meta)
    assert (found.event.ts, found.event.type) == (9.0, EventType.IMPORTED)
    assert (meta["instances.pid"], meta["instances.status"], meta["runtime.restart_attempts"]) == (7, "running", 4)
    assert "s3cret" not in str(found)
    upgraded = build_state_event("qwen", {**STATE, "instance_uid": "u"}, RUNTIME, 3, now=100.0)
    assert upgraded.origin == found.origin
