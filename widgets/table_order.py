"""Which instances the table shows and in what order: pure functions over snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import assert_never

from engine.snapshots import InstanceSnapshot, State


class SortKey(StrEnum):
    """What the table can be ordered by, in the order in which the key cycles."""

    FILE = "file"
    NAME = "name"
    STATE = "state"
    CPU = "cpu"
    MEMORY = "memory"
    UPTIME = "uptime"
    RESTARTS = "restarts"

    def following(self) -> SortKey:
        """The next in the cycle."""
        keys = list(SortKey)
        return keys[(keys.index(self) + 1) % len(keys)]

    @property
    def is_descending(self) -> bool:
        """True where the largest comes first."""
        return self in {SortKey.CPU, SortKey.MEMORY, SortKey.UPTIME, SortKey.RESTARTS}


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


def is_match(instance: InstanceSnapshot, text: str) -> bool:
    """True when every word of `text` is in the instance's name, state, model or tags; case does not matter."""
    parts = (instance.name, instance.state.value, instance.model, *instance.tags)
    haystack = "\n".join(parts).casefold()
    return all(word in haystack for word in text.casefold().split())


def ordered(instances: Sequence[InstanceSnapshot], key: SortKey, text: str = "") -> tuple[InstanceSnapshot, ...]:
    """The instances that match `text`, by `key`; equal ones keep the file's order."""
    shown = [one for one in instances if is_match(one, text)] if text.strip() else list(instances)
    if key is not SortKey.FILE:
        shown.sort(key=lambda one: _rank(one, key))
    return tuple(shown)


def _rank(one: InstanceSnapshot, key: SortKey) -> tuple[float, str]:
    match key:
        case SortKey.FILE:
            return (0.0, "")
        case SortKey.NAME:
            return (0.0, one.name.casefold())
        case SortKey.STATE:
            return (float(URGENCY.index(one.state)), "")
        case SortKey.CPU:
            return (-_or_least(one.cpu_percent), "")
        case SortKey.MEMORY:
            return (-_or_least(one.memory_bytes), "")
        case SortKey.UPTIME:
            return (-_or_least(one.uptime_s), "")
        case SortKey.RESTARTS:
            return (float(-one.restarts), "")
        case _:
            assert_never(key)


def _or_least(value: float | None) -> float:
    return -1.0 if value is None else float(value)
