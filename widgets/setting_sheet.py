"""Values with where each comes from, in three columns; everything literal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from widgets.inked import Inked
from widgets.text import clean, clean_block

MOST_KEY_CELLS = 30
MOST_ORIGIN_CELLS = 22
NARROW = 60
"""Below this width, origins stand behind the values, not in a column."""


class SettingRow(NamedTuple):
    """One value."""

    key: str
    value: str
    origin: str = ""
    is_quiet: bool = False
    """True for what nobody has set."""


class SettingSheet(Inked):
    """Key, value, origin; what is built in is drawn quietly."""

    DEFAULT_CSS = """
    SettingSheet { height: auto; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.rows: tuple[SettingRow, ...] = ()

    def show(self, rows: Sequence[SettingRow]) -> None:
        """Draw these."""
        if tuple(rows) != self.rows:
            self.rows = tuple(rows)
            self.refresh(layout=True)

    def render(self) -> RenderableType:
        """A line for each value, more when it is long."""
        is_narrow = self.size.width < NARROW
        grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
        grid.add_column(width=self._widest([row.key for row in self.rows], MOST_KEY_CELLS), overflow="fold")
        grid.add_column(ratio=1, overflow="fold")
        if not is_narrow:
            grid.add_column(width=self._widest([row.origin for row in self.rows], MOST_ORIGIN_CELLS), overflow="fold")
        for row in self.rows:
            quiet = self.ink("ink--quiet")
            key = Text(clean(row.key), style=quiet)
            value = Text(clean_block(row.value), style=quiet if row.is_quiet else "")
            origin = Text(clean(row.origin), style=quiet)
            if is_narrow:
                grid.add_row(key, Text.assemble(value, *([f"  ({origin})"] if row.origin else [])))
            else:
                grid.add_row(key, value, origin)
        return grid

    @staticmethod
    def _widest(texts: Sequence[str], most: int) -> int:
        return min(most, max((cell_len(clean(text)) for text in texts), default=1))
