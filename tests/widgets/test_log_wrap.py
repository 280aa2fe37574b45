"""Where long lines are broken."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from widgets.log_wrap import break_line


def rows(text: str, width: int) -> list[str]:
    """The rows of a text."""
    return [text[start:end] for start, end in pairwise([*break_line(text, width), len(text)])]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        pytest.param("", 10, [""], id="empty"),
        pytest.param("0123456789", 10, ["0123456789"], id="just-fits"),
        pytest.param("0123456789a", 10, ["0123456789", "a"], id="no-blank"),
        pytest.param("load: 12 of 345678", 10, ["load: 12 ", "of 345678"], id="at-a-blank"),
        pytest.param("a 3456789012", 10, ["a 34567890", "12"], id="a-blank-too-far-back"),
        pytest.param("等待请求等待", 5, ["等待", "请求", "等待"], id="wide"),
        pytest.param("等", 1, ["等"], id="wider-than-the-row"),
        pytest.param("等待", 1, ["等", "待"], id="all-wider-than-the-row"),
        pytest.param("abe\u0301cd", 3, ["abe\u0301", "cd"], id="an-accent"),
        pytest.param("等\u0301待", 1, ["等\u0301", "待"], id="an-accent-on-what-is-wider-than-the-row"),
        pytest.param("ab", 0, ["ab"], id="no-room"),
    ],
)
def test_a_line_is_broken_at_blanks_and_never_inside_a_character(text: str, width: int, expected: list[str]) -> None:
    assert rows(text, width) == expected


@given(st.text(st.sampled_from("ab :等́🙂"), max_size=200), st.integers(2, 40))
def test_no_character_is_lost_and_no_row_is_too_wide(text: str, width: int) -> None:
    found = rows(text, width)

    assert "".join(found) == text
    assert all(sum(cell_len(one) for one in row) <= width for row in found)
