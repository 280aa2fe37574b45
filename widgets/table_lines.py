"""How the lines of the table are drawn: column titles, headings of groups, the cells of a row."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, fields
from operator import attrgetter

from rich.cells import cell_len
from rich.segment import Segment

from engine.snapshots import InstanceSnapshot
from widgets.inked import Inked
from widgets.row_cells import RowContext, age_text, row_cell, strip_cells
from widgets.table_columns import GUTTER, NUMBERS, Column, Layout, Order, Placed, head_text
from widgets.table_view import Heading
from widgets.text import clean, fit, fit_right

Look = tuple[tuple[object, ...], Layout, str, bool]
"""All that a row's text depends on but its age: the instance, the columns, the word of an act, the mark."""
_LOOK = attrgetter(*(one.name for one in fields(InstanceSnapshot) if one.name != "uptime_s"))


@dataclass(slots=True)
class _Row:
    """A row as it was composed last. Every second each row has another age, and most have nothing else."""

    look: Look
    age: str
    segments: list[Segment] = field(default_factory=list)
    age_at: int = 0
    """Where among the segments the age is, where there is room for it."""
    age_place: Placed | None = None


class TableLines(Inked):
    """A widget that draws lines of a table of instances; the table is built on this."""

    _rows: dict[str, _Row]

    def head_segments(self, layout: Layout, order: Order) -> list[Segment]:
        """The titles of the columns."""
        segments = [Segment(" " * GUTTER)]
        for placed in layout.placed:
            pad = fit_right if placed.column in NUMBERS else fit
            segments += [Segment(pad(head_text(placed.column, order), placed.width)), Segment(" " * layout.gap)]
        return segments

    def heading_segments(self, heading: Heading) -> list[Segment]:
        """The line above a group: a long tag gives way to its numbers."""
        numbers = f" · {heading.ready} of {heading.count} ready"
        tag = clean(heading.tag)
        room = max(1, self.line_width - GUTTER - len(numbers))
        shown = tag if cell_len(tag) <= room else fit(tag, room)
        return [Segment(f"{' ' * GUTTER}{shown}{numbers}", self.ink("ink--key"))]

    def row_segments(
        self, one: InstanceSnapshot, layout: Layout, context: RowContext, *, is_marked: bool
    ) -> list[Segment]:
        """The row of an instance, without its background; the same list as before while it reads the same."""
        rows = self._row_cache()
        look, age = (_LOOK(one), layout, context.pending, is_marked), age_text(one, context)
        known = rows.get(one.name)
        if known is None or known.look != look:
            known = rows[one.name] = self._new_row(one, layout, context, look)
        elif known.age != age and known.age_place is not None:
            known.age = age
            known.segments = [*known.segments]
            known.segments[known.age_at] = self._cell_segments(one, known.age_place, context)[0]
        return known.segments

    def forget_rows(self, kept: Collection[str]) -> None:
        """Remember the rows of these instances alone."""
        rows = self._row_cache()
        for name in rows.keys() - kept:
            del rows[name]

    def notify_style_update(self) -> None:
        """Forget what was composed in the colours of another theme."""
        self._row_cache().clear()
        super().notify_style_update()

    def _row_cache(self) -> dict[str, _Row]:
        try:
            return self._rows
        except AttributeError:  # styles are set while the base class is still being made
            self._rows = {}
            return self._rows

    def _new_row(self, one: InstanceSnapshot, layout: Layout, context: RowContext, look: Look) -> _Row:
        row = _Row(look, age_text(one, context))
        row.segments.append(Segment("▌ " if look[-1] else "  ", self.ink("ink--key")))
        for placed in layout.placed:
            if placed.column is Column.UPTIME:
                row.age_at, row.age_place = len(row.segments), placed
            row.segments += [*self._cell_segments(one, placed, context), Segment(" " * layout.gap)]
        return row

    def _cell_segments(self, one: InstanceSnapshot, placed: Placed, context: RowContext) -> list[Segment]:
        if placed.column is Column.HEALTH and one.health_strip:
            cells = strip_cells(one, placed.width)
            missing = placed.width - sum(len(cell.text) for cell in cells)
            return [*(Segment(cell.text, self.ink(cell.ink)) for cell in cells), Segment(" " * missing)]
        cell = row_cell(placed.column, one, context)
        pad = fit_right if placed.column in NUMBERS else fit
        return [Segment(pad(cell.text, placed.width), self.ink(cell.ink) if cell.ink else None)]
