"""Lines of a report that are longer than the screen."""

from __future__ import annotations

import pytest
from rich.console import Console

from engine.description import DescribeSection
from widgets.fact_sheet import FactSheet


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
