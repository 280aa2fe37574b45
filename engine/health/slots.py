"""Whether a deep check may be made now, and what busy slots say by themselves. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

STALL_LIMIT_S = 300.0
"""Slots that are busy for so long without any step forward hang. Long, because one large batch shows no steps."""

Busy = tuple[int, ...]
"""A slot at work: its number, its task, and how far that is."""


class DeepStep(StrEnum):
    """What follows a look at the slots."""

    COMPLETE = "complete"
    """No slot is busy: ask for a token."""
    PASS = "pass"  # noqa: S105 - no password
    """Busy and going on: alive, and not to be disturbed."""
    HOLD = "hold"
    """Busy, and whether it goes on is not known yet: nothing is concluded."""
    STUCK = "stuck"
    """Busy, and it does not go on."""


@dataclass(frozen=True, slots=True)
class DeepState:
    """What is remembered from one deep check to the next."""

    last_mono: float = 0.0
    """When a deep check last came to a good end."""
    busy: tuple[Busy, ...] = ()
    busy_mono: float = 0.0
    """Since when the slots look like this."""
    is_suspect: bool = False
    """The last token that was asked for did not come; it may still hold a slot."""


def weigh_slots(state: DeepState, busy: tuple[Busy, ...], now: float) -> tuple[DeepState, DeepStep]:
    """The state after a look at the slots, and what to do."""
    if not busy:
        return replace(state, busy=(), busy_mono=now), DeepStep.COMPLETE
    if busy != state.busy:
        is_first = not state.busy
        seen = replace(state, busy=busy, busy_mono=now)
        if state.is_suspect and is_first:
            return seen, DeepStep.HOLD
        return replace(seen, is_suspect=False), DeepStep.PASS
    is_stuck = state.is_suspect or now - state.busy_mono >= STALL_LIMIT_S
    return state, DeepStep.STUCK if is_stuck else DeepStep.PASS
