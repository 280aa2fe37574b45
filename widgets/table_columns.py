"""The table's columns: what they are called, how wide, and which ones a narrow screen gives up first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len

from engine.snapshots import InstanceSnapshot, State
from widgets.table_order import SortKey
from widgets.text import clean

GUTTER = 2
"""Cells before the first column: the mark and a blank."""
ROOMY = 100
"""From this width on, two blanks stand between columns, else one."""


class Column(StrEnum):
    """The columns, from left to right."""

    NAME = "name"
    STATE = "state"
    PORT = "port"
    PID = "pid"
    UPTIME = "uptime"
    CPU = "cpu"
    MEMORY = "memory"
    RESTARTS = "restarts"
    MODEL = "model"
    WHY = "why"


NUMBERS = frozenset({Column.PORT, Column.PID, Column.UPTIME, Column.CPU, Column.MEMORY, Column.RESTARTS})
"""Aligned to the right."""

KEPT_FIRST = (
    Column.NAME,
    Column.STATE,
    Column.PORT,
    Column.UPTIME,
    Column.MEMORY,
    Column.CPU,
    Column.RESTARTS,
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
    (Column.WHY, 64),
    (Column.NAME, NO_LIMIT),
    (Column.MODEL, NO_LIMIT),
    (Column.WHY, NO_LIMIT),
)
"""Who gets what is left over, and up to how many cells: one long name must not hide every reason."""

SORTED_COLUMN: dict[SortKey, Column | None] = {
    SortKey.FILE: None,
    SortKey.NAME: Column.NAME,
    SortKey.STATE: Column.STATE,
    SortKey.CPU: Column.CPU,
    SortKey.MEMORY: Column.MEMORY,
    SortKey.UPTIME: Column.UPTIME,
    SortKey.RESTARTS: Column.RESTARTS,
}


@dataclass(frozen=True, slots=True)
class Placed:
    """One column on the screen."""

    column: Column
    width: int


@dataclass(frozen=True, slots=True)
class Widths:
    """The cells that a column needs at least, and those it would fill."""

    least: int
    wanted: int


def head_text(column: Column, sort: SortKey) -> str:
    """The title of a column, with an arrow where the table is sorted by it."""
    if SORTED_COLUMN[sort] is not column:
        return column.value
    return f"{column.value}{'▼' if sort.is_descending else '▲'}"


def measure(instances: Sequence[InstanceSnapshot], sort: SortKey) -> dict[Column, Widths]:
    """The widths that these instances ask for."""
    names = max((cell_len(one.name) for one in instances), default=0)
    models = max((cell_len(clean(one.model)) for one in instances), default=0)
    ports = max((len(str(one.port or "")) for one in instances), default=0)
    pids = max((len(str(one.pid or "")) for one in instances), default=0)
    state = 2 + max(len(state.value) for state in State)
    needs = {
        Column.NAME: Widths(min(12, max(4, names)), max(4, names)),
        Column.STATE: Widths(state, state),
        Column.PORT: Widths(max(4, ports), 5),
        Column.PID: Widths(max(5, pids), 7),
        Column.UPTIME: Widths(7, 7),
        Column.CPU: Widths(5, 5),
        Column.MEMORY: Widths(6, 6),
        Column.RESTARTS: Widths(8, 8),
        Column.MODEL: Widths(min(8, max(5, models)), max(5, models)),
        Column.WHY: Widths(24, 400),
    }
    return {column: _with_head(widths, head_text(column, sort)) for column, widths in needs.items()}


def _with_head(widths: Widths, head: str) -> Widths:
    least = max(widths.least, cell_len(head))
    return Widths(least, max(widths.wanted, least))


def lay_out(width: int, needs: dict[Column, Widths], sort: SortKey = SortKey.FILE) -> tuple[Placed, ...]:
    """The columns that fit into `width` cells with their widths, from left to right.

    The name and the state always stay; what is left over is shared out as `GROWTH` says.
    """
    gap = column_gap(width)
    chosen: set[Column] = set()
    left = width - GUTTER
    for column in sorted(KEPT_FIRST, key=lambda one: one is not SORTED_COLUMN[sort] and one is not Column.NAME):
        cost = needs[column].least + (gap if chosen else 0)
        if cost <= left or column in {Column.NAME, Column.STATE}:
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
