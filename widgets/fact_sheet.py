"""Titled groups of facts, labels on the left and values folded beside them; everything literal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.description import DescribeSection
from widgets.inked import Inked
from widgets.text import clean, clean_block

INDENT = "  "
MOST_LABEL_CELLS = 24
_LABELLED = re.compile(r" *[a-z][a-z ]*?  +(?=\S)")
"""A label in small letters, and blanks up to its value."""


def _draw_line(line: str) -> RenderableType:
    """A line of text; what is too long goes on under the value of a label and a value, else a bit further in."""
    hang = _find_hang(line)
    grid = Table.grid(expand=True)
    grid.add_column(width=len(INDENT) + hang, no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_row(Text(f"{INDENT}{line[:hang]}"), Text(line[hang:]))
    return grid


def _find_hang(line: str) -> int:
    labelled = _LABELLED.match(line, 0, MOST_LABEL_CELLS + 1)  # of a long line of blanks every split would be tried
    if labelled is not None and line.isascii():
        return labelled.end()
    indent = len(line) - len(line.lstrip())
    return indent + len(INDENT) if line[indent : indent + len(INDENT)].isascii() else indent


class FactSheet(Inked):
    """Draws `DescribeSection`s one below the other."""

    DEFAULT_CSS = """
    FactSheet { height: auto; width: 1fr; }
    """

    def __init__(
        self,
        sections: Sequence[DescribeSection] = (),
        *,
        label_ink: str = "ink--quiet",
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.sections = tuple(sections)
        self._label_ink = label_ink

    def show(self, sections: Sequence[DescribeSection]) -> None:
        """Draw these sections."""
        if tuple(sections) != self.sections:
            self.sections = tuple(sections)
            self.refresh(layout=True)

    def render(self) -> RenderableType:
        """All sections, a blank line between them."""
        parts: list[RenderableType] = []
        for section in self.sections:
            if parts:
                parts.append(Text(""))
            parts.extend(self._draw(section))
        return Group(*parts)

    def _label_cells(self) -> int:
        labels = [label for section in self.sections for label, _value in section.rows]
        return min(MOST_LABEL_CELLS, max((cell_len(clean(label)) for label in labels), default=1))

    def _draw(self, section: DescribeSection) -> list[RenderableType]:
        drawn: list[RenderableType] = []
        if section.title:
            drawn.append(Text(clean(section.title), style=self.ink("ink--key")))
        if section.rows:
            drawn.append(self._draw_rows(section.rows))
        drawn.extend(_draw_line(clean(line)) for line in section.lines)
        return drawn

    def _draw_rows(self, rows: Sequence[tuple[str, str]]) -> Table:
        grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
        grid.add_column(width=self._label_cells() + len(INDENT), no_wrap=True)
        grid.add_column(ratio=1, overflow="fold")
        for label, value in rows:
            grid.add_row(Text(INDENT + clean(label), style=self.ink(self._label_ink)), Text(clean_block(value)))
        return grid
