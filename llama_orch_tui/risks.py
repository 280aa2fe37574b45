"""What an act would end, and whether the operator is asked before: pure functions over snapshots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from engine.habits import Confirm
from engine.plural import format_count
from engine.snapshots import Act, InstanceSnapshot, Snapshot, Status

_GOES_ON = frozenset({Status.STARTING, Status.RUNNING, Status.BACKOFF})
"""What a stop ends; a restart ends no backoff."""


@dataclass(frozen=True, slots=True)
class Risk:
    """What an act would end."""

    act: Act
    ends: tuple[InstanceSnapshot, ...] = ()
    """In the file's order; dependents that stop along are among them."""
    along: tuple[str, ...] = ()
    """Those of them that were not chosen, and stop because they depend on one that was."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of all that would end."""
        return tuple(one.name for one in self.ends)

    @property
    def busy(self) -> tuple[InstanceSnapshot, ...]:
        """Those with requests in flight."""
        return tuple(one for one in self.ends if is_busy(one))


def is_busy(one: InstanceSnapshot) -> bool:
    """True while it works on a request, or has one waiting; False where it does not tell."""
    return one.load is not None and bool(one.load.busy_slots or one.load.deferred)


def describe_requests(one: InstanceSnapshot) -> str:
    """In words: ``2 requests running, 1 waiting``; empty when there is none."""
    if one.load is None:
        return ""
    running, waiting = one.load.busy_slots or 0, one.load.deferred or 0
    if not running:
        return f"{format_count(waiting, 'request')} waiting" if waiting else ""
    return f"{format_count(running, 'request')} running" + (f", {waiting} waiting" if waiting else "")


def weigh(act: Act, names: Iterable[str], snapshot: Snapshot) -> Risk:
    """What `act` on `names` would end, as things are in `snapshot`.

    For a profile, `names` are those that it stops.
    """
    chosen = frozenset(names)
    match act:
        case Act.START:
            return Risk(act)
        case Act.RESTART:
            return Risk(act, tuple(one for one in snapshot.instances if one.name in chosen and _has_run(one)))
        case Act.STOP:
            concerned = with_dependents(chosen, snapshot)
            ends = tuple(one for one in snapshot.instances if one.name in concerned and _goes_on(one))
            return Risk(act, ends, tuple(one.name for one in ends if one.name not in chosen))
        case Act.PROFILE:
            return Risk(act, tuple(one for one in snapshot.instances if one.name in chosen and _goes_on(one)))
        case _:
            assert_never(act)


def is_asked(risk: Risk, confirm: Confirm) -> bool:
    """True when the operator is asked before. Who chose a profile was told what it stops: busy ones are told again."""
    if risk.act is Act.PROFILE:
        return confirm is not Confirm.NEVER and bool(risk.busy)
    match confirm:
        case Confirm.NEVER:
            return False
        case Confirm.ALWAYS:
            return bool(risk.ends)
        case Confirm.RISKY:
            return len(risk.ends) > 1 or bool(risk.busy)
        case _:
            assert_never(confirm)


def with_dependents(names: Iterable[str], snapshot: Snapshot) -> frozenset[str]:
    """These, and all that depend on them, over any number of steps."""
    found = set(names)
    todo = list(found)
    while todo:
        name = todo.pop()
        more = [one.name for one in snapshot.instances if name in one.depends_on and one.name not in found]
        found.update(more)
        todo.extend(more)
    return frozenset(found)


def _has_run(one: InstanceSnapshot) -> bool:
    return one.pid is not None or one.status in {Status.STARTING, Status.RUNNING}


def _goes_on(one: InstanceSnapshot) -> bool:
    return one.status in _GOES_ON
