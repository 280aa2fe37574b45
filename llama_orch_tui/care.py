"""When an act is asked about before it is done: what would stop many models, or one that is at work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.snapshots import Act, Confirm, InstanceSnapshot, Status

_RESTING = frozenset({Status.STOPPED, Status.FAILED})


@dataclass(frozen=True, slots=True)
class Harm:
    """What an act would interrupt."""

    act: Act
    names: tuple[str, ...]
    """The models that would be stopped, to rest or to start again."""
    busy: tuple[tuple[str, int], ...]
    """Those with requests in flight, and how many."""


def requests_in_flight(one: InstanceSnapshot) -> int:
    """Requests that are answered or wait for a slot, as far as the server tells; 0 when it does not."""
    return (one.load.busy_slots or 0) + (one.load.deferred or 0) if one.load is not None else 0


def weigh(act: Act, concerned: Iterable[InstanceSnapshot]) -> Harm:
    """What `act` would interrupt of these."""
    living = [one for one in concerned if one.status not in _RESTING]
    busy = [(one.name, requests_in_flight(one)) for one in living if requests_in_flight(one)]
    return Harm(act, tuple(one.name for one in living), tuple(busy))


def is_asked_about(harm: Harm, confirm: Confirm, *, is_for_the_sick: bool = False) -> bool:
    """True when the operator is to say it again; to restart many that are unhealthy anyway is no risk."""
    match confirm:
        case Confirm.NEVER:
            return False
        case Confirm.ALWAYS:
            return bool(harm.names)
        case Confirm.RISKY:
            return bool(harm.busy) or (len(harm.names) > 1 and not is_for_the_sick)
