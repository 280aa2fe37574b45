"""What stands in each cell of an instance's row: pure functions over one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from engine.loads import LlamaLoad
from engine.snapshots import InstanceSnapshot, State, Status
from widgets.health_history import health_look
from widgets.looks import Look, state_look
from widgets.table_columns import STRIP_CELLS, Column
from widgets.table_order import context_share
from widgets.text import clean, name_file
from widgets.units import NOTHING, format_age, format_bytes, format_percent, format_rate

BUSY_GLYPH = "◔"
MANY_RESTARTS = 1
"""From here on the number of restarts is drawn as a warning."""
FULL_CONTEXT = 90.0
"""From this share on, the use of a context is drawn as a warning."""


class Cell(NamedTuple):
    """Text without padding, and the ink it is drawn with (empty: the row's own)."""

    text: str
    ink: str = ""


@dataclass(frozen=True, slots=True)
class RowContext:
    """What a row's text depends on besides its instance."""

    now: float
    age: float
    """Seconds since the snapshot came: what ages have grown by. Below zero when they were told last before it came."""
    pending: str = ""
    """The word of an act that was just asked for; empty when there is none."""


def row_cell(column: Column, one: InstanceSnapshot, context: RowContext) -> Cell:
    """The cell of `column`."""
    match column:
        case Column.NAME:
            return Cell(clean(one.name))
        case Column.STATE:
            look = shown_look(one, context.pending)
            return Cell(f"{look.glyph} {context.pending or one.state.value}", look.ink)
        case Column.HEALTH:
            return Cell("".join(cell.text for cell in strip_cells(one, STRIP_CELLS)) or NOTHING, "ink--quiet")
        case Column.UPTIME:
            return _number(age_text(one, context))
        case Column.TOKENS | Column.SLOTS | Column.CONTEXT:
            return _load_cell(column, one.load or LlamaLoad())
        case Column.RESTARTS:
            return Cell(str(one.restarts), "ink--warn" if one.restarts >= MANY_RESTARTS else "ink--quiet")
        case Column.MODEL:
            return Cell(clean(one.model))
        case Column.WHY:
            return Cell(why_text(one), _why_ink(one))
        case _:
            return _number(_NUMBERS[column](one))


def strip_cells(one: InstanceSnapshot, count: int) -> tuple[Cell, ...]:
    """The newest checks, at most `count`, oldest first; neighbours of one look together."""
    looks = groupby(map(health_look, one.health_strip[-count:]))
    return tuple(Cell(look.glyph * len(list(run)), look.ink) for look, run in looks)


_NUMBERS: Mapping[Column, Callable[[InstanceSnapshot], str | None]] = {
    Column.PORT: lambda one: None if one.port is None else str(one.port),
    Column.PID: lambda one: None if one.pid is None else str(one.pid),
    Column.CPU: lambda one: format_percent(one.cpu_percent),
    Column.MEMORY: lambda one: format_bytes(one.memory_bytes),
    Column.GPU: lambda one: format_bytes(one.gpu_memory_bytes),
}


def _load_cell(column: Column, load: LlamaLoad) -> Cell:
    """What a llama.cpp server has to do: speed, slots or context."""
    if column is Column.TOKENS:
        rate = load.tokens_per_s
        return Cell(format_rate(rate), "" if rate else "ink--quiet")
    if column is Column.CONTEXT:
        share = context_share(load)
        if share is None:
            return _number(None)
        return Cell(format_percent(share), "ink--warn" if share >= FULL_CONTEXT else "")
    if load.is_asleep:
        return Cell("asleep", "ink--quiet")
    return Cell(slots_text(load), "ink--warn" if load.deferred else "" if load.busy_slots else "ink--quiet")


def slots_text(load: LlamaLoad) -> str:
    """Busy slots of all, and what waits for one: ``2/4``, ``4/4+3``."""
    if load.total_slots is None and load.busy_slots is None:
        return NOTHING
    waiting = f"+{load.deferred}" if load.deferred else ""
    busy = NOTHING if load.busy_slots is None else str(load.busy_slots)
    return f"{busy}/{load.total_slots or '?'}{waiting}"


def shown_look(one: InstanceSnapshot, pending: str) -> Look:
    """The look of the state column, while an act is on its way or not."""
    return Look(BUSY_GLYPH, "ink--busy") if pending else state_look(one.state)


def age_text(one: InstanceSnapshot, context: RowContext) -> str:
    """How long it has been running, or how soon the next try is due."""
    if one.status is Status.BACKOFF and one.retry_at is not None:
        left = max(0, round(one.retry_at - context.now))
        return f"in {left}s" if left < 1000 else f"in {left // 60}m"
    if one.uptime_s is None:
        return NOTHING
    return format_age(one.uptime_s + context.age)


def why_text(one: InstanceSnapshot) -> str:
    """The reason to show: what is wrong with its configuration first, then the engine's own sentence."""
    if one.config_error:
        return clean(f"configuration: {name_file(one.config_error)}")
    why = one.why or one.last_error
    if one.needs_restart:
        return clean(f"the file changed, a restart takes it up · {why}" if why else "the file changed: restart it")
    return clean(why)


def _why_ink(one: InstanceSnapshot) -> str:
    if one.config_error or one.state is State.FAILED:
        return "ink--bad"
    if one.needs_restart or one.state in {State.UNHEALTHY, State.BACKOFF}:
        return "ink--warn"
    return "ink--quiet"


def _number(text: str | None) -> Cell:
    return Cell(NOTHING, "ink--quiet") if text in {None, NOTHING} else Cell(str(text))
