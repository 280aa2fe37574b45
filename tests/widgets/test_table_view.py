from __future__ import annotations

from dataclasses import replace

import pytest

from engine.snapshots import State
from tests.fakes.scenes import TRIO, instance
from widgets.table_columns import FILE_ORDER, Column, Order
from widgets.table_view import UNTAGGED, Heading, TableView, build_lines, view_from_choices

GROUPED = TableView(is_grouped=True)


def test_groups_stand_in_the_order_of_their_names_with_the_untagged_last() -> None:
    lines = build_lines(TRIO, GROUPED)

    assert [line.tag if isinstance(line, Heading) else line.name for line in lines] == [
        "chat",
        "chat",
        "rag",
        "embed",
        UNTAGGED,
        "code",
    ]
    assert lines[0] == Heading("chat", 1, 1)
    assert lines[2] == Heading("rag", 1, 0)


def test_inside_a_group_the_order_holds_and_an_instance_is_shown_once() -> None:
    many = tuple(instance(name, State.READY, tags=("b", "a"), cpu=cpu) for name, cpu in [("x", 1), ("y", 9), ("z", 5)])

    lines = build_lines(many, replace(GROUPED, order=FILE_ORDER.chosen(Column.CPU)))

    assert [line.name for line in lines[1:] if not isinstance(line, Heading)] == ["y", "z", "x"]
    assert [line.tag for line in lines if isinstance(line, Heading)] == ["b"]


def test_a_group_without_a_match_has_no_heading() -> None:
    lines = build_lines(TRIO, replace(GROUPED, filter_text="embed"))

    assert [line.tag for line in lines if isinstance(line, Heading)] == ["rag"]


@pytest.mark.parametrize(
    "view",
    [
        TableView(),
        TableView(Order(Column.TOKENS, is_descending=True), frozenset({Column.PID, Column.WHY}), is_grouped=True),
        TableView(Order(Column.NAME)),
    ],
    ids=["plain", "all", "order"],
)
def test_a_view_comes_back_from_its_choices(view: TableView) -> None:
    assert view_from_choices(view.to_choices()) == view


def test_a_filter_is_not_remembered() -> None:
    assert view_from_choices(TableView(filter_text="abc").to_choices()) == TableView()


@pytest.mark.parametrize(
    "choices",
    [None, 7, "text", {"order": 3, "hidden": 4, "is_grouped": "yes"}, {"order": "gone", "is_descending": True}],
)
def test_choices_that_make_no_sense_are_left_at_their_defaults(choices: object) -> None:
    assert view_from_choices(choices) == TableView()


def test_choices_of_a_version_that_wrote_columns_in_small_letters_are_understood() -> None:
    view = view_from_choices({"order": "cpu", "hidden": "gpu mem,pid"})
    assert view.order.column is Column.CPU
    assert view.hidden == {Column.GPU, Column.PID}


def test_name_and_state_cannot_be_hidden() -> None:
    assert TableView().toggled(Column.NAME) == TableView()
    assert view_from_choices({"hidden": "name,PID"}).hidden == {Column.PID}
    assert TableView().toggled(Column.PID).toggled(Column.PID) == TableView()
