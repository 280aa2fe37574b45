from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.snapshots import LogLine, Stream
from widgets.log_line import Piece, pieces


def text_of(line: LogLine) -> str:
    return "".join(piece.text for piece in pieces(line))


@pytest.mark.parametrize(("letter", "ink"), [("D", "ink--quiet"), ("I", ""), ("W", "ink--warn"), ("E", "ink--bad")])
def test_llama_cpp_levels_have_their_inks(letter: str, ink: str) -> None:
    line = LogLine(f"0.02.118.442 {letter} something", Stream.STDERR)

    assert pieces(line)[-1] == Piece("something", ink)


def test_a_line_of_another_program_is_drawn_as_it_is() -> None:
    assert text_of(LogLine("E is for error", Stream.STDERR)) == "  E is for error"


def test_stdout_is_told_from_stderr_without_colour() -> None:
    assert text_of(LogLine("same", Stream.STDOUT)) != text_of(LogLine("same", Stream.STDERR))


def test_a_gap_is_told_from_a_line() -> None:
    assert text_of(LogLine("5 bytes dropped", Stream.STDERR, is_gap=True)).startswith("┄")


@pytest.mark.parametrize(
    ("text", "ink"),
    [
        ("srv          init: listening on http://127.0.0.1:8081", "ink--good"),
        ("slot print_timing: id  0 | task 3 | prompt eval time =  12.40 ms /  8 tokens", "ink--figure"),
        ("srv    load_model: loading model '/m.gguf'", "ink--busy"),
        ("srv  log_server_r: request: POST /v1/chat/completions 127.0.0.1 200", ""),
    ],
)
def test_what_an_operator_looks_for_stands_out(text: str, ink: str) -> None:
    assert pieces(LogLine(f"0.02.118.442 I {text}", Stream.STDERR))[-1] == Piece(text, ink)


@given(
    text=st.text(st.sampled_from("abc 0.E\té中"), max_size=30), source=st.sampled_from(["a", "b+", "[ab]c", "", "é|中"])
)
def test_marking_hits_changes_no_letter_and_marks_exactly_them(text: str, source: str) -> None:
    line = LogLine(text, Stream.STDERR)
    marked = pieces(line, re.compile(source))
    assert "".join(piece.text for piece in marked) == text_of(line)
    found = "".join(re.findall(source, text_of(line)[2:]))
    assert "".join(piece.text for piece in marked if piece.is_hit) == found


def test_escapes_that_came_through_are_taken_out_again() -> None:
    assert text_of(LogLine("\x1b]52;c;eA==\x07hidden[/x]", Stream.STDERR)) == "  hidden[/x]"
