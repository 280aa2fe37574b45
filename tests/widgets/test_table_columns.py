from __future__ import annotations

import pytest

from engine.snapshots import InstanceSnapshot, State
from tests.fakes.scenes import BUSY, TRIO, instance
from widgets.table_columns import GUTTER, Column, column_gap, head_text, lay_out, measure
from widgets.table_order import SortKey


@pytest.mark.parametrize("width", range(40, 240, 7))
@pytest.mark.parametrize("instances", [TRIO, BUSY], ids=["trio", "busy"])
def test_the_columns_never_take_more_than_the_width(width: int, instances: tuple[InstanceSnapshot, ...]) -> None:
    placed = lay_out(width, measure(instances, SortKey.FILE))
    taken = GUTTER + sum(one.width for one in placed) + column_gap(width) * (len(placed) - 1)

    assert taken <= width


@pytest.mark.parametrize("width", [1, 20, 30])
def test_name_and_state_stay_on_the_narrowest_screen(width: int) -> None:
    assert [one.column for one in lay_out(width, measure(BUSY, SortKey.FILE))] == [Column.NAME, Column.STATE]


def test_three_short_names_show_every_number_and_the_model_at_80() -> None:
    columns = [one.column for one in lay_out(80, measure(TRIO, SortKey.FILE))]

    assert columns == [one for one in Column if one is not Column.WHY]


def test_one_long_name_does_not_hide_the_reasons() -> None:
    widths = {one.column: one.width for one in lay_out(200, measure(BUSY, SortKey.FILE))}

    assert widths[Column.WHY] >= 60
    assert widths[Column.NAME] >= 24


def test_where_there_is_room_for_all_the_longest_name_is_whole() -> None:
    widths = {one.column: one.width for one in lay_out(260, measure(BUSY, SortKey.FILE))}

    assert widths[Column.NAME] == len("embeddings-multilingual-production-with-a-very-long-name")


def test_the_sorted_column_stays_when_it_would_have_gone() -> None:
    narrow = 45
    assert Column.RESTARTS not in {one.column for one in lay_out(narrow, measure(BUSY, SortKey.FILE))}

    placed = lay_out(narrow, measure(BUSY, SortKey.RESTARTS), SortKey.RESTARTS)

    assert Column.RESTARTS in {one.column for one in placed}


def test_the_head_says_by_what_and_which_way_it_is_sorted() -> None:
    assert head_text(Column.CPU, SortKey.CPU) == "cpu▼"
    assert head_text(Column.NAME, SortKey.NAME) == "name▲"
    assert head_text(Column.NAME, SortKey.CPU) == "name"


def test_a_name_of_63_characters_leaves_room_for_the_numbers_at_80() -> None:
    rows = (instance("x" * 63, State.READY, port=8081, pid=1),)
    columns = {one.column for one in lay_out(80, measure(rows, SortKey.FILE))}

    assert {Column.PORT, Column.UPTIME, Column.MEMORY, Column.CPU, Column.PID} <= columns
