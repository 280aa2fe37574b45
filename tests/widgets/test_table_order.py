from __future__ import annotations

from dataclasses import replace

import pytest

from engine.loads import LlamaLoad
from engine.snapshots import Health, State
from tests.fakes.scenes import BUSY, TRIO
from widgets.table_columns import FILE_ORDER, Column, Order
from widgets.table_order import URGENCY, is_match, ordered


def names(order: Order, text: str = "") -> list[str]:
    return [one.name for one in ordered(BUSY, order, text)]


def by(column: Column) -> Order:
    return FILE_ORDER.chosen(column)


def test_the_files_order_is_kept_until_another_is_asked_for() -> None:
    assert names(FILE_ORDER) == [one.name for one in BUSY]


def test_by_state_what_needs_a_person_comes_first() -> None:
    assert names(by(Column.STATE))[:3] == ["huge", "中文模型", "draft"]


@pytest.mark.parametrize(
    ("column", "first"),
    [(Column.CPU, "warmup"), (Column.MEMORY, "vision"), (Column.UPTIME, "chat"), (Column.RESTARTS, "huge")],
)
def test_the_largest_comes_first(column: Column, first: str) -> None:
    assert names(by(column))[0] == first


def test_what_has_no_number_comes_last_in_the_files_order() -> None:
    assert names(by(Column.CPU))[-4:] == ["draft", "huge", "typo", "spare"]


def test_every_state_has_its_place() -> None:
    assert sorted(URGENCY) == sorted(State)


def test_turned_round_the_smallest_comes_first_and_the_unknown_still_last() -> None:
    found = names(Order(Column.CPU))

    assert found[0] == "中文模型"
    assert found[-4:] == ["draft", "huge", "typo", "spare"]


@pytest.mark.parametrize("column", list(Column))
@pytest.mark.parametrize("is_descending", [False, True])
def test_every_column_can_be_the_order_and_loses_nobody(column: Column, *, is_descending: bool) -> None:
    assert sorted(names(Order(column, is_descending))) == sorted(one.name for one in BUSY)


def test_live_numbers_order_too() -> None:
    idle = replace(TRIO[0], name="idle", load=LlamaLoad(0.0, 0.0, 0, 4, 0, 10, 100))
    busy = replace(TRIO[0], name="busy", load=LlamaLoad(0.0, 40.0, 4, 4, 2, 90, 100))
    other = replace(TRIO[0], name="other")

    for column in (Column.TOKENS, Column.SLOTS, Column.CONTEXT):
        found = ordered((other, idle, busy), FILE_ORDER.chosen(column))
        assert [one.name for one in found] == ["busy", "idle", "other"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("CHA", id="name, without case"),
        pytest.param("ready", id="state"),
        pytest.param("qwen3", id="model"),
        pytest.param("chat ready", id="every word somewhere"),
        pytest.param("", id="nothing typed"),
    ],
)
def test_a_filter_looks_at_name_state_model_and_tags(text: str) -> None:
    assert is_match(TRIO[0], text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("!rag", ["chat", "code"], id="not a tag"),
        pytest.param("!STOPPED", ["chat", "embed"], id="not a state, without case"),
        pytest.param("qwen !coder", ["chat"], id="with, and without"),
        pytest.param("!rag !code", ["chat"], id="neither"),
        pytest.param("!", ["chat", "embed", "code"], id="not typed yet"),
        pytest.param("chat !", ["chat"], id="a word, and not typed yet"),
        pytest.param("!!x", ["chat", "embed", "code"], id="a mark to be left out"),
        pytest.param("rag !bge", [], id="nothing is left"),
    ],
)
def test_an_exclamation_mark_leaves_out_what_follows(text: str, found: list[str]) -> None:
    assert [one.name for one in ordered(TRIO, FILE_ORDER, text)] == found


def test_by_health_the_worst_comes_first_the_newest_trouble_before_the_older_and_the_unchecked_last() -> None:
    good, bad = Health.HEALTHY, Health.UNHEALTHY
    strips = {"well": (good,) * 4, "was bad": (bad, good, good, good), "is bad": (good, good, good, bad), "new": ()}
    rows = tuple(replace(TRIO[0], name=name, health_strip=strip) for name, strip in strips.items())

    assert [one.name for one in ordered(rows, by(Column.HEALTH))] == ["is bad", "was bad", "well", "new"]
    assert [one.name for one in ordered(rows, by(Column.HEALTH).turned())] == ["well", "was bad", "is bad", "new"]


def test_a_filter_finds_tags_and_misses_the_rest() -> None:
    assert [one.name for one in ordered(TRIO, FILE_ORDER, "rag")] == ["embed"]
    assert ordered(TRIO, FILE_ORDER, "no such thing") == ()
