from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from engine.logs.clean import clean, clean_line


@given(raw=st.binary())
def test_nothing_that_a_terminal_obeys_comes_through(raw: bytes) -> None:
    text = clean(raw)
    text.encode()
    assert not [char for char in text if char != "\t" and unicodedata.category(char) in {"Cc", "Zl", "Zp", "Cs"}]


def test_harm_is_made_visible_and_the_rest_is_left_alone() -> None:
    assert clean("tab\tümlaut €".encode()) == "tab\tümlaut €"
    assert clean(b"\x1b[31mred\x07\0\xff") == "␛[31mred␇␀\ufffd"
    assert clean("\x9b \u202e".encode()) == "<9B> <U+202E>"


def test_line_ends_are_taken_off_once() -> None:
    assert clean_line(b"dos\r\n") == "dos"
    assert clean_line(b"bar 1\rbar 2\n") == "bar 1␍bar 2"
    assert clean_line(b"unfinished") == "unfinished"
    assert clean_line(b"long", 1500) == "long … (1,500 more bytes)"
