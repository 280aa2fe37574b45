"""The table's columns: what they are called, how wide, and which ones a narrow screen gives up first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len

from engine.snapshots import InstanceSnapshot, State
from widgets.text import clean, fit, fit_right

GUTTER = 2
"""Cells before the first column: the mark and a blank."""
ROOMY = 100
"""From this width on, two blanks stand between columns, else one."""


class Column(StrEnum):
    """The columns, from left to right."""

    NAME = "name"
    STATE = "state"
    HEALTH = "health"
    """The strip of the last checks."""
    PORT = "port"
    PID = "PID"
    UPTIME = "uptime"
    CPU = "CPU"
    MEMORY = "memory"
    GPU = "GPU mem"
    TOKENS = "tok/s"
    SLOTS = "slots"
    CONTEXT = "ctx"
    RESTARTS = "restarts"
    MODEL = "model"
    WHY = "why"


LARGEST_FIRST = frozenset(
    {
        Column.UPTIME,
        Column.CPU,
        Column.MEMORY,
        Column.GPU,
        Column.TOKENS,
        Column.SLOTS,
        Column.CONTEXT,
        Column.RESTARTS,
    }
)
"""Where an order begins with the largest unless it is turned round."""
WORST_FIRST = frozenset({Column.STATE, Column.HEALTH})
"""Where an order begins with what needs a person most."""
NUMBERS = LARGEST_FIRST | {Column.PORT, Column.PID}
"""Aligned to the right."""
ALWAYS = frozenset({Column.NAME, Column.STATE})
"""Neither given up nor hidden."""
LIVE = frozenset({Column.HEALTH, Column.GPU, Column.TOKENS, Column.SLOTS, Column.CONTEXT})
"""Not shown until something is known: many servers, and most machines, tell nothing of the kind."""
STRIP_CELLS = 10
"""The newest checks that the table has room for."""

KEPT_FIRST = (
    Column.NAME,
    Column.STATE,
    Column.PORT,
    Column.UPTIME,
    Column.MEMORY,
    Column.CPU,
    Column.TOKENS,
    Column.SLOTS,
    Column.RESTARTS,
    Column.HEALTH,
    Column.CONTEXT,
    Column.GPU,
    Column.PID,
    Column.MODEL,
    Column.WHY,
)
"""What stays when the screen gets narrow; the last goes first."""

NO_LIMIT = 10_000
GROWTH = (
    (Column.PORT, NO_LIMIT),
    (Column.NAME, 24),
    (Column.PID, NO_LIMIT),
    (Column.MODEL, 26),
    (Column.HEALTH, NO_LIMIT),
    (Column.WHY, 64),
    (Column.NAME, NO_LIMIT),
    (Column.MODEL, NO_LIMIT),
    (Column.WHY, NO_LIMIT),
)
"""Who gets what is left over, and up to how many cells: one long name must not hide every reason."""


@dataclass(frozen=True, slots=True)
class Order:
    """By what the table is ordered, and which way."""

    column: Column | None = None
    """None is the file's order."""
    is_descending: bool = False

    def turned(self) -> Order:
        """The same column, the other way round; the file's order has one way."""
        return self if self.column is None else Order(self.column, not self.is_descending)

    def chosen(self, column: Column | None) -> Order:
        """The order after `column` was asked for: its natural way first, turned round when it is asked for again."""
        if column is not None and column is self.column:
            return self.turned()
        return Order(column, column in LARGEST_FIRST)


FILE_ORDER = Order()


@dataclass(frozen=True, slots=True)
class Placed:
    """One column on the screen."""

    column: Column
    width: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one table, from left to right."""

    placed: tuple[Placed, ...] = ()
    gap: int = 1
    """Blanks between two columns."""

    def places(self) -> Iterator[tuple[int, Placed]]:
        """Every column with the cell where it begins."""
        left = GUTTER
        for one in self.placed:
            yield left, one
            left += one.width + self.gap

    @property
    def right(self) -> int:
        """The cell behind the last column."""
        return GUTTER + sum(one.width + self.gap for one in self.placed) - (self.gap if self.placed else 0)

    def column_at(self, x: int) -> Column | None:
        """The column that cell `x` belongs to."""
        return next((one.column for left, one in self.places() if left <= x < left + one.width), None)

    def find(self, column: Column) -> tuple[int, int]:
        """Where a column begins and its width; the width is 0 where there is no room for it."""
        return next(((left, one.width) for left, one in self.places() if one.column is column), (0, 0))


@dataclass(frozen=True, slots=True)
class Widths:
    """The cells that a column needs at least, and those it would fill."""

    least: int
    wanted: int


def head_line(layout: Layout, order: Order) -> str:
    """The titles of the columns, with an arrow where the table is ordered by one.

    A title as wide as its column has its arrow in the gap beside it, so that no column moves when it is ordered by.
    """
    line = " " * GUTTER
    for placed in layout.placed:
        column, width = placed.column, placed.width
        arrow = "" if order.column is not column else "▼" if order.is_descending else "▲"
        is_full = cell_len(column.value) == width
        if column not in NUMBERS:
            title = fit(f"{column.value}{arrow}", width + is_full)
        elif is_full and arrow:
            line, title = f"{line[:-1]}{arrow}", column.value
        else:
            title = fit_right(f"{column.value}{arrow}", width)
        line += f"{title}{' ' * (layout.gap + width - cell_len(title))}"
    return line


def known_columns(instances: Sequence[InstanceSnapshot]) -> frozenset[Column]:
    """The live columns of which some instance tells something."""
    found = set()
    for one in instances:
        if one.health_strip:
            found.add(Column.HEALTH)
        if one.gpu_memory_bytes is not None:
            found.add(Column.GPU)
        if one.load is not None and (one.load.total_slots or one.load.tokens_per_s is not None):
            found.update({Column.TOKENS, Column.SLOTS, Column.CONTEXT})
    return frozenset(found)


def measure(instances: Sequence[InstanceSnapshot]) -> dict[Column, Widths]:
    """The widths that these instances ask for."""
    names = max((cell_len(one.name) for one in instances), default=0)
    models = max((cell_len(clean(one.model)) for one in instances), default=0)
    ports = max((len(str(one.port or "")) for one in instances), default=0)
    pids = max((len(str(one.pid or "")) for one in instances), default=0)
    state = 2 + max(len(state.value) for state in State)
    needs = {
        Column.NAME: Widths(min(12, max(4, names)), max(4, names)),
        Column.STATE: Widths(state, state),
        Column.HEALTH: Widths(6, STRIP_CELLS),
        Column.PORT: Widths(max(4, ports), 5),
        Column.PID: Widths(max(5, pids), 7),
        Column.UPTIME: Widths(7, 7),
        Column.CPU: Widths(5, 5),
        Column.MEMORY: Widths(6, 6),
        Column.GPU: Widths(7, 7),
        Column.TOKENS: Widths(6, 6),
        Column.SLOTS: Widths(6, 6),
        Column.CONTEXT: Widths(4, 4),
        Column.RESTARTS: Widths(8, 8),
        Column.MODEL: Widths(min(8, max(5, models)), max(5, models)),
        Column.WHY: Widths(24, 400),
    }
    return {column: _with_head(widths, column.value) for column, widths in needs.items()}


def _with_head(widths: Widths, head: str) -> Widths:
    least = max(widths.least, cell_len(head))
    return Widths(least, max(widths.wanted, least))


def lay_out(
    width: int,
    needs: dict[Column, Widths],
    order: Order = FILE_ORDER,
    absent: Collection[Column] = LIVE,
) -> tuple[Placed, ...]:
    """The columns that fit into `width` cells with their widths, from left to right; none of those `absent`.

    The name and the state always stay, the column of the order as long as it can; what is left over is shared out as
    `GROWTH` says.
    """
    gap = column_gap(width)
    chosen: set[Column] = set()
    left = width - GUTTER
    for column in sorted(KEPT_FIRST, key=lambda one: one is not order.column and one is not Column.NAME):
        if column in absent and column not in ALWAYS:
            continue
        cost = needs[column].least + (gap if chosen else 0)
        if cost <= left or column in ALWAYS:
            chosen.add(column)
            left -= cost
    widths = {column: needs[column].least for column in chosen}
    for column, limit in GROWTH:
        if column in chosen:
            more = max(0, min(left, min(limit, needs[column].wanted) - widths[column]))
            widths[column] += more
            left -= more
    return tuple(Placed(column, widths[column]) for column in Column if column in chosen)


def column_gap(width: int) -> int:
    """Blanks between columns on a table of `width` cells."""
    return 2 if width >= ROOMY else 1
