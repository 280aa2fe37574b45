"""Lines of a report that are longer than the screen."""

from __future__ import annotations

import pytest
from rich.console import Console

from engine.description import DescribeSection
from widgets.fact_sheet import MOST_LABEL_CELLS, FactSheet, _find_hang


def drawn(line: str, width: int = 24) -> list[str]:
    """The rows of one line of a sheet."""
    console = Console(width=width, color_system=None, legacy_windows=False)
    with console.capture() as taken:
        console.print(FactSheet([DescribeSection("", lines=(line,))]).render())
    return [row.rstrip() for row in taken.get().splitlines()]


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        pytest.param("short", ["  short"], id="short"),
        pytest.param("cause    out of memory again", ["  cause    out of memory", "           again"], id="label"),
        pytest.param("asked by  nobody at all", ["  asked by  nobody at", "            all"], id="two-words"),
        pytest.param("  E ggml: failed to allocate", ["    E ggml: failed to", "      allocate"], id="indented"),
        pytest.param("模型模型模型模型模型模型模型", ["  模型模型模型模型模型模", "  型模型"], id="wide"),
        pytest.param("[/nope] [red]x[/red]", ["  [/nope] [red]x[/red]"], id="markup"),
    ],
)
def test_a_long_line_goes_on_under_its_value_or_further_in(line: str, rows: list[str]) -> None:
    assert drawn(line) == rows


@pytest.mark.parametrize(("cells", "hang"), [(MOST_LABEL_CELLS, MOST_LABEL_CELLS), (MOST_LABEL_CELLS + 1, 2)])
def test_what_is_too_long_for_a_label_is_none(cells: int, hang: int) -> None:
    assert _find_hang(f"{'label':<{cells}}value") == hang


def test_a_line_of_a_million_blanks_is_looked_at_once() -> None:
    """Tried at every blank, it would hold up the screen for hours."""
    assert _find_hang(f"a{' ' * 1_000_000}") == 2
