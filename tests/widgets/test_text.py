from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from widgets.text import clean, clean_block, fit, fit_right, name_file


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        pytest.param("plain", "plain", id="plain text is itself"),
        pytest.param("x[red]y[/nope]", "x[red]y[/nope]", id="markup is text"),
        pytest.param("a\x1b[31mred\x1b[0mb", "aredb", id="colours go"),
        pytest.param("a\x1b]52;c;ZXZpbA==\x07b", "ab", id="clipboard writes go"),
        pytest.param("a\x9b31mb", "a31mb", id="C1 goes"),
        pytest.param("abc\u202etxt", "abctxt", id="bidi overrides go"),
        pytest.param("one\ntwo\r\nthree\n", "one two three", id="line breaks become blanks"),
        pytest.param("a\x07\x08b", "ab", id="bell and backspace go"),
        pytest.param("a\tb", "a       b", id="tabs become blanks"),
        pytest.param("中文", "中文", id="wide characters stay"),
    ],
)
def test_nothing_that_a_terminal_would_obey_gets_through(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@given(st.text())
def test_cleaned_text_is_one_line_without_control_characters(raw: str) -> None:
    shown = clean(raw)

    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in shown)


def test_a_block_keeps_its_lines_and_nothing_else() -> None:
    assert clean_block("one\x1b[1m\ntwo") == "one\ntwo"


@given(st.text(alphabet="ab中文é", max_size=12), st.integers(min_value=0, max_value=14))
def test_fitted_text_fills_exactly_its_cells(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width
    assert cell_len(fit_right(text, width)) == width


def test_what_is_cut_ends_in_an_ellipsis() -> None:
    assert fit("embeddings", 6) == "embed…"
    assert fit("中文模型", 6) == "中文 …"


def test_numbers_stand_on_the_right() -> None:
    assert fit_right("42", 5) == "   42"


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        pytest.param("/home/ada/c/config.toml:4: [server] x: wrong", "config.toml:4: [server] x: wrong", id="a line"),
        pytest.param("/home/a b/config.toml: not TOML", "config.toml: not TOML", id="the whole file"),
        pytest.param(r"C:\Users\ada\config.toml:4: wrong", "config.toml:4: wrong", id="Windows"),
        pytest.param("/a/c.toml:1: x\n/a/c.toml:2: y", "c.toml:1: x\nc.toml:2: y", id="several"),
        pytest.param("configuration: /a/c.toml:1: x", "configuration: c.toml:1: x", id="behind its label"),
        pytest.param("model /a/b.gguf: no such file", "model /a/b.gguf: no such file", id="another file stays"),
    ],
)
def test_a_mistake_in_the_configuration_can_be_told_without_its_folders(told: str, shown: str) -> None:
    assert name_file(told) == shown
