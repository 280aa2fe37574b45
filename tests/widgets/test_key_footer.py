from __future__ import annotations

from widgets.key_footer import KeyHint, fitting

HINTS = (
    KeyHint("start", "s", "Start", 90),
    KeyHint("sort", "o", "Sort", 10),
    KeyHint("describe", "enter", "Describe", 70),
    KeyHint("quit", "q", "Quit", 99),
)


def test_everything_is_shown_where_there_is_room_in_the_order_given() -> None:
    assert fitting(HINTS, 80) == HINTS


def test_what_matters_least_goes_first() -> None:
    width = sum(hint.cells for hint in HINTS) - 3

    assert [hint.action for hint in fitting(HINTS, width)] == ["start", "describe", "quit"]


def test_the_line_never_gets_longer_than_the_screen() -> None:
    for width in range(60):
        shown = fitting(HINTS, width)
        assert sum(hint.cells for hint in shown) - (2 if shown else 0) <= width
