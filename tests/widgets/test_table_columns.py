from __future__ import annotations

from dataclasses import replace

import pytest

from engine.loads import LlamaLoad
from engine.snapshots import Health, InstanceSnapshot, State
from tests.fakes.scenes import BUSY, TRIO, instance
from widgets.table_columns import (
    ALWAYS,
    FILE_ORDER,
    GUTTER,
    LARGEST_FIRST,
    LIVE,
    Column,
    Layout,
    Order,
    Placed,
    column_gap,
    head_line,
    known_columns,
    lay_out,
    measure,
)


@pytest.mark.parametrize("width", range(40, 240, 7))
@pytest.mark.parametrize("instances", [TRIO, BUSY], ids=["trio", "busy"])
def test_the_columns_never_take_more_than_the_width(width: int, instances: tuple[InstanceSnapshot, ...]) -> None:
    placed = lay_out(width, measure(instances))
    taken = GUTTER + sum(one.width for one in placed) + column_gap(width) * (len(placed) - 1)

    assert taken <= width


@pytest.mark.parametrize("width", [1, 20, 30])
def test_name_and_state_stay_on_the_narrowest_screen(width: int) -> None:
    assert [one.column for one in lay_out(width, measure(BUSY))] == [Column.NAME, Column.STATE]


def test_three_short_names_show_every_number_and_the_model_at_80() -> None:
    columns = [one.column for one in lay_out(80, measure(TRIO))]

    assert columns == [one for one in Column if one not in {Column.WHY, *LIVE}]


def test_one_long_name_does_not_hide_the_reasons() -> None:
    widths = {one.column: one.width for one in lay_out(200, measure(BUSY))}

    assert widths[Column.WHY] >= 60
    assert widths[Column.NAME] >= 24


def test_where_there_is_room_for_all_the_longest_name_is_whole() -> None:
    widths = {one.column: one.width for one in lay_out(260, measure(BUSY))}

    assert widths[Column.NAME] == len("embeddings-multilingual-production-with-a-very-long-name")


def test_the_sorted_column_stays_when_it_would_have_gone() -> None:
    narrow = 45
    assert Column.RESTARTS not in {one.column for one in lay_out(narrow, measure(BUSY))}

    order = Order(Column.RESTARTS, is_descending=True)
    placed = lay_out(narrow, measure(BUSY), order)

    assert Column.RESTARTS in {one.column for one in placed}


def test_the_head_says_by_what_and_which_way_it_is_sorted() -> None:
    layout = Layout((Placed(Column.NAME, 8), Placed(Column.CPU, 5)))
    assert head_line(layout, Order(Column.CPU, is_descending=True)) == "  name      CPU▼ "
    assert head_line(layout, Order(Column.NAME)) == "  name▲      CPU "
    assert head_line(layout, FILE_ORDER) == "  name       CPU "


@pytest.mark.parametrize("gap", [1, 2])
@pytest.mark.parametrize("column", list(Column))
def test_no_column_moves_when_the_table_is_ordered_by_it(column: Column, gap: int) -> None:
    layout = Layout(tuple(Placed(one, len(one.value)) for one in Column), gap)
    plain, ordered = head_line(layout, FILE_ORDER), head_line(layout, Order(column))

    assert len(plain) == len(ordered)
    assert ordered.replace("▲", " ") == plain
    assert "▲" in ordered


def test_a_name_of_63_characters_leaves_room_for_the_numbers_at_80() -> None:
    rows = (instance("x" * 63, State.READY, port=8081, pid=1),)
    columns = {one.column for one in lay_out(80, measure(rows))}

    assert {Column.PORT, Column.UPTIME, Column.MEMORY, Column.CPU, Column.PID} <= columns


def test_a_column_that_is_hidden_gives_its_room_to_the_others() -> None:
    hidden = {Column.PID, Column.MODEL, *LIVE, Column.NAME}

    columns = [one.column for one in lay_out(80, measure(TRIO), FILE_ORDER, hidden)]

    assert Column.WHY in columns
    assert Column.NAME in columns
    assert not ({Column.PID, Column.MODEL} & set(columns))


def test_live_columns_are_known_once_somebody_tells() -> None:
    assert known_columns(TRIO) == frozenset()
    assert known_columns([replace(TRIO[0], load=LlamaLoad(note="refused"))]) == frozenset()
    assert known_columns([replace(TRIO[0], gpu_memory_bytes=0)]) == {Column.GPU}
    assert known_columns([replace(TRIO[0], load=LlamaLoad(total_slots=4))]) == LIVE - {Column.GPU, Column.HEALTH}
    assert known_columns([replace(TRIO[0], health_strip=(Health.HEALTHY,))]) == {Column.HEALTH}


def test_asking_for_the_column_of_the_order_turns_it_round() -> None:
    first = FILE_ORDER.chosen(Column.CPU)

    assert first == Order(Column.CPU, is_descending=True)
    assert first.chosen(Column.CPU) == Order(Column.CPU, is_descending=False)
    assert first.chosen(Column.NAME) == Order(Column.NAME, is_descending=False)
    assert first.chosen(None) == FILE_ORDER == FILE_ORDER.turned()


def test_numbers_begin_with_the_largest_but_those_that_are_names() -> None:
    assert {Column.PORT, Column.PID, *ALWAYS}.isdisjoint(LARGEST_FIRST)
    assert {Column.TOKENS, Column.SLOTS, Column.CONTEXT, Column.GPU, Column.CPU} <= LARGEST_FIRST


def test_a_layout_knows_which_column_is_under_the_pointer() -> None:
    layout = Layout((Placed(Column.NAME, 4), Placed(Column.UPTIME, 7)), gap=2)

    assert [layout.column_at(x) for x in (0, 2, 5, 6, 8, 14, 15)] == [
        None,
        Column.NAME,
        Column.NAME,
        None,
        Column.UPTIME,
        Column.UPTIME,
        None,
    ]
    assert layout.find(Column.UPTIME) == (8, 7)
    assert layout.find(Column.CPU) == (0, 0)
