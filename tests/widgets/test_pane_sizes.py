from __future__ import annotations

from fractions import Fraction

import pytest

from widgets.pane_sizes import Border, PaneSizes, Span, fractions, sizes_from_choices


@pytest.mark.parametrize("room", range(6, 300, 7))
def test_cells_taken_as_a_share_come_back_as_those_cells(room: int) -> None:
    for cells in range(1, room):
        before, behind = (Fraction(one.removesuffix("fr")) for one in fractions(cells / room))
        assert int(before / (before + behind) * room) == cells


def test_sizes_come_back_from_their_choices() -> None:
    sizes = PaneSizes().moved_to(Border.TABLE, 0.25).moved_to(Border.EVENTS, 0.5)

    assert sizes == PaneSizes(0.25, 0.5)
    assert sizes_from_choices(sizes.to_choices()) == sizes
    assert sizes_from_choices(PaneSizes().to_choices()) == PaneSizes()


@pytest.mark.parametrize("value", [0, 1, -0.2, 1.5, True, "0.5", None, [0.5], float("nan"), float("inf")], ids=str)
def test_a_share_that_makes_no_sense_is_none(value: object) -> None:
    assert sizes_from_choices({"table": value, "events": value}) == PaneSizes()


@pytest.mark.parametrize("choices", [None, 7, "text", [0.5]])
def test_choices_that_are_no_table_are_none(choices: object) -> None:
    assert sizes_from_choices(choices) == PaneSizes()


def test_both_sides_keep_their_least() -> None:
    span = Span(before=10, room=30, least=5, least_behind=6, step=1)

    assert [span.share_at(cells) for cells in (-4, 5, 12, 24, 99)] == [5 / 30, 5 / 30, 12 / 30, 24 / 30, 24 / 30]


def test_where_both_cannot_have_their_least_nothing_moves() -> None:
    assert Span(5, 10, 5, 6, 1).share_at(5) is None
