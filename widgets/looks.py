"""The glyph and the ink of every state and every level: colour never carries a meaning alone."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from engine.snapshots import Level, State


class Look(NamedTuple):
    """How one word is drawn."""

    glyph: str
    """One cell wide."""
    ink: str
    """Component class that holds the colour."""


INK_CLASSES = frozenset({"ink--good", "ink--busy", "ink--warn", "ink--bad", "ink--quiet", "ink--strong", "ink--key"})
"""Component classes that every inked widget has."""


def state_look(state: State) -> Look:
    """The look of an instance's state."""
    match state:
        case State.READY:
            return Look("●", "ink--good")
        case State.STARTING:
            return Look("◔", "ink--busy")
        case State.LOADING:
            return Look("◑", "ink--busy")
        case State.WARMING:
            return Look("◕", "ink--busy")
        case State.WAITING:
            return Look("◌", "ink--busy")
        case State.STOPPING:
            return Look("◒", "ink--busy")
        case State.UNHEALTHY:
            return Look("▲", "ink--warn")
        case State.BACKOFF:
            return Look("↻", "ink--warn")
        case State.FAILED:
            return Look("✗", "ink--bad")
        case State.STOPPED:
            return Look("○", "ink--quiet")
        case _:
            assert_never(state)


def level_look(level: Level) -> Look:
    """The look of an event's level."""
    match level:
        case Level.INFO:
            return Look("·", "ink--quiet")
        case Level.WARNING:
            return Look("▲", "ink--warn")
        case Level.ERROR:
            return Look("✗", "ink--bad")
        case _:
            assert_never(level)
