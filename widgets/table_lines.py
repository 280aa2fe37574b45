"""How the lines of the table are drawn: column titles, headings of groups, the cells of a row."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from itertools import chain
from operator import attrgetter

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from engine.snapshots import InstanceSnapshot
from widgets.inked import Inked, blend
from widgets.row_cells import RowContext, age_text, row_cell, strip_cells
from widgets.table_columns import GUTTER, NUMBERS, Column, Layout, Order, Placed, head_line
from widgets.table_view import Heading
from widgets.text import clean, fit, fit_right

Place = tuple[Layout, str, bool, Style, int]
"""What a row looks like beside its instance: columns, word of an act, mark, background, width."""
_UNSEEN = frozenset({"uptime_s", "probe_s"})
"""What differs from snapshot to snapshot, and is the age or not in the table at all."""
_LOOK = attrgetter(*(one.name for one in fields(InstanceSnapshot) if one.name not in _UNSEEN))


@dataclass(slots=True)
class _Row:
    """A row as it was drawn last. Every second each row has another age, and most have nothing else."""

    one: InstanceSnapshot
    place: Place
    age: str
    strip: Strip
    age_at: int | None
    """Where among the segments the age is; None where there is no room for it."""


class TableLines(Inked):
    """A widget that draws lines of a table of instances; the table is built on this."""

    _rows: dict[str, _Row]

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

    def draw_row(
        self, one: InstanceSnapshot, layout: Layout, context: RowContext, base: Style, *, is_marked: bool
    ) -> Strip:
        """The row of an instance; the same strip as before while it looks the same."""
        rows = self._row_cache()
        place, age = (layout, context.pending, is_marked, base, self.line_width), age_text(one, context)
        known = rows.get(one.name)
        is_same = known is not None and (known.one is one or _LOOK(known.one) == _LOOK(one)) and known.place == place
        if known is None or not is_same:
            known = rows[one.name] = self._new_row(one, place, context)
        elif known.age != age and known.age_at is not None:
            cell = self._cell_segments(one, Placed(Column.UPTIME, layout.find(Column.UPTIME)[1]), context)
            segments = [*known.strip]
            segments[known.age_at : known.age_at + 1] = blend(cell, base)
            known.age, known.strip = age, Strip(segments, known.strip.cell_length)
        known.one = one
        return known.strip

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

    def _new_row(self, one: InstanceSnapshot, place: Place, context: RowContext) -> _Row:
        layout, _, is_marked, base, width = place
        parts: list[list[Segment]] = [[Segment("▌ ", self.ink("ink--key")) if is_marked else Segment("  ")]]
        for placed in layout.placed:
            cell = self._cell_segments(one, placed, context)
            if placed.column is Column.UPTIME:
                parts += [cell, []]  # by itself among the segments, so that it can be replaced
            else:
                parts[-1] += cell
            parts[-1].append(Segment(" " * layout.gap))
        left, *others = [blend(part, base) for part in parts]
        strip = self.filled([*left, *chain.from_iterable(others)], base)
        is_whole = bool(others) and layout.right <= width
        return _Row(one, place, age_text(one, context), strip, len(left) if is_whole else None)

    def _cell_segments(self, one: InstanceSnapshot, placed: Placed, context: RowContext) -> list[Segment]:
        if placed.column is Column.HEALTH and one.health_strip:
            cells = strip_cells(one, placed.width)
            missing = placed.width - sum(len(cell.text) for cell in cells)
            return [*(Segment(cell.text, self.ink(cell.ink)) for cell in cells), Segment(" " * missing)]
        cell = row_cell(placed.column, one, context)
        pad = fit_right if placed.column in NUMBERS else fit
        return [Segment(pad(cell.text, placed.width), self.ink(cell.ink) if cell.ink else None)]
