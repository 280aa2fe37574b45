from __future__ import annotations

import pytest

from engine.snapshots import LogLine, Stream
from widgets.log_line import pieces


def text_of(line: LogLine) -> str:
    return "".join(piece.text for piece in pieces(line))


@pytest.mark.parametrize(("letter", "ink"), [("D", "ink--quiet"), ("I", ""), ("W", "ink--warn"), ("E", "ink--bad")])
def test_llama_cpp_levels_have_their_inks(letter: str, ink: str) -> None:
    line = LogLine(f"0.02.118.442 {letter} something", Stream.STDERR)

    assert pieces(line)[-1] == ("something", ink)


def test_a_line_of_another_program_is_drawn_as_it_is() -> None:
    assert text_of(LogLine("E is for error", Stream.STDERR)) == "  E is for error"


def test_stdout_is_told_from_stderr_without_colour() -> None:
    assert text_of(LogLine("same", Stream.STDOUT)) != text_of(LogLine("same", Stream.STDERR))


def test_a_gap_is_told_from_a_line() -> None:
    assert text_of(LogLine("5 bytes dropped", Stream.STDERR, is_gap=True)).startswith("┄")


def test_escapes_that_came_through_are_taken_out_again() -> None:
    assert text_of(LogLine("\x1b]52;c;eA==\x07hidden[/x]", Stream.STDERR)) == "  hidden[/x]"
