"""Which instances the table shows and in what order: pure functions over snapshots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.loads import LlamaLoad
from engine.snapshots import Health, InstanceSnapshot, State
from widgets.table_columns import FILE_ORDER, Column, Order

URGENCY = (
    State.FAILED,
    State.UNHEALTHY,
    State.BACKOFF,
    State.STOPPING,
    State.WAITING,
    State.STARTING,
    State.LOADING,
    State.WARMING,
    State.READY,
    State.STOPPED,
)
"""States, what needs a person first."""
NOT = "!"
"""Before a word of the filter: what has it is left out."""


def is_match(instance: InstanceSnapshot, text: str) -> bool:
    """True when every word of `text` is in the instance's name, state, model or tags, and no ``!word`` is.

    Case does not matter. A lone ``!``, as while one is typed, holds nothing back.
    """
    parts = (instance.name, instance.state.value, instance.model, *instance.tags)
    haystack = "\n".join(parts).casefold()
    return all(_is_passing(word, haystack) for word in text.casefold().split())


def _is_passing(word: str, haystack: str) -> bool:
    if word.startswith(NOT):
        return word == NOT or word[1:] not in haystack
    return word in haystack


def ordered(
    instances: Sequence[InstanceSnapshot], order: Order = FILE_ORDER, text: str = ""
) -> tuple[InstanceSnapshot, ...]:
    """The instances that match `text`, in `order`; equal ones keep the file's order, unknown values come last."""
    shown = [one for one in instances if is_match(one, text)] if text.strip() else list(instances)
    column = order.column
    if column is None:
        return tuple(shown)
    values = [(rank(one, column), one) for one in shown]
    known = [(value, one) for value, one in values if value is not None]
    known.sort(key=lambda pair: pair[0], reverse=order.is_descending)
    return tuple(one for _, one in [*known, *(pair for pair in values if pair[0] is None)])


def context_share(load: LlamaLoad) -> float | None:
    """How full the fullest slot is, 0 to 100; None when that is not told."""
    if load.context_used is None or not load.context_size:
        return None
    return 100.0 * load.context_used / load.context_size


def trouble(strip: Sequence[Health]) -> float | None:
    """How bad the last checks were: every failed one counts, a newer one for more; None before the first check."""
    if not strip:
        return None
    return float(sum(age for age, one in enumerate(strip, 1) if one is Health.UNHEALTHY))


def _slots_wanted(load: LlamaLoad) -> float | None:
    return None if load.busy_slots is None else load.busy_slots + (load.deferred or 0)


_NUMBERS: Mapping[Column, Callable[[InstanceSnapshot], float | None]] = {
    Column.PORT: lambda one: one.port,
    Column.PID: lambda one: one.pid,
    Column.UPTIME: lambda one: one.uptime_s,
    Column.CPU: lambda one: one.cpu_percent,
    Column.MEMORY: lambda one: one.memory_bytes,
    Column.GPU: lambda one: one.gpu_memory_bytes,
    Column.TOKENS: lambda one: one.load.tokens_per_s if one.load else None,
    Column.SLOTS: lambda one: _slots_wanted(one.load) if one.load else None,
    Column.CONTEXT: lambda one: context_share(one.load) if one.load else None,
    Column.RESTARTS: lambda one: one.restarts,
}


def rank(one: InstanceSnapshot, column: Column) -> tuple[float, str] | None:
    """Where an instance stands by `column`; None where nothing is known."""
    match column:
        case Column.NAME:
            return (0.0, one.name.casefold())
        case Column.STATE:
            return (float(URGENCY.index(one.state)), "")
        case Column.HEALTH:
            badness = trouble(one.health_strip)
            return None if badness is None else (-badness, "")
        case Column.MODEL:
            return _text(one.model)
        case Column.WHY:
            return _text(one.config_error or one.why or one.last_error)
        case _:
            value = _NUMBERS[column](one)
            return None if value is None else (float(value), "")


def _text(text: str) -> tuple[float, str] | None:
    return (0.0, text.casefold()) if text else None
