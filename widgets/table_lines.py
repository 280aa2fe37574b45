"""How the lines of the table are drawn: column titles, headings of groups, the cells of a row."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from engine.snapshots import InstanceSnapshot
from widgets.inked import Inked
from widgets.row_cells import RowContext, row_cell, strip_cells
from widgets.table_columns import GUTTER, NUMBERS, Column, Layout, Order, Placed, head_line
from widgets.table_view import Heading
from widgets.text import clean, fit, fit_right


class TableLines(Inked):
    """A widget that draws lines of a table of instances; the table is built on this."""

    def draw_head(self, layout: Layout, order: Order) -> Strip:
        """The titles of the columns."""
        return self.drawn([Segment(head_line(layout, order))], self.paper("table--head"))

    def draw_heading(self, heading: Heading) -> Strip:
        """The line above a group: a long tag gives way to its numbers."""
        numbers = f" · {heading.ready} of {heading.count} ready"
        tag = clean(heading.tag)
        room = max(1, self.line_width - GUTTER - len(numbers))
        shown = tag if cell_len(tag) <= room else fit(tag, room)
        return self.drawn([Segment(f"{' ' * GUTTER}{shown}{numbers}", self.ink("ink--key"))])

    def row_segments(
        self, one: InstanceSnapshot, layout: Layout, context: RowContext, *, is_marked: bool
    ) -> list[Segment]:
        """The row of an instance, without its background."""
        segments = [Segment("▌ " if is_marked else "  ", self.ink("ink--key"))]
        for placed in layout.placed:
            segments += [*self._cell_segments(one, placed, context), Segment(" " * layout.gap)]
        return segments

    def _cell_segments(self, one: InstanceSnapshot, placed: Placed, context: RowContext) -> list[Segment]:
        if placed.column is Column.HEALTH and one.health_strip:
            cells = strip_cells(one, placed.width)
            missing = placed.width - sum(len(cell.text) for cell in cells)
            return [*(Segment(cell.text, self.ink(cell.ink)) for cell in cells), Segment(" " * missing)]
        cell = row_cell(placed.column, one, context)
        pad = fit_right if placed.column in NUMBERS else fit
        return [Segment(pad(cell.text, placed.width), self.ink(cell.ink) if cell.ink else None)]
