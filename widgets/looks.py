"""The glyph and the ink of every state and every level: colour never carries a meaning alone."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from engine.snapshots import Level, State


class Look(NamedTuple):
    """How one word is drawn."""

    glyph: str
    """One cell wide."""
    ink: str
    """One of `INKS`."""


HUES = ("$text-primary", "$text-accent", "$text-success", "$text-warning", "$secondary", "$foreground")
"""The names of instances in a merged log."""

INKS = {
    "ink--good": "$text-success",
    "ink--busy": "$text-primary",
    "ink--warn": "$text-warning",
    "ink--bad": "bold $text-error",
    "ink--quiet": "$foreground 72%",
    "ink--label": "$foreground 80%",
    "ink--strong": "bold $foreground",
    "ink--key": "bold $text-accent",
    "ink--figure": "$text-primary",
    **{f"ink--hue{number}": hue for number, hue in enumerate(HUES)},
}
"""What an ink looks like, in the theme's words: `good` is ready, `busy` on its way, `warn` wants attention, `bad` has
failed; `quiet` is what may be overlooked, `label` what stands beside a key, `strong` a heading, `key` a key to press,
`figure` the timing of a slot, `hue` the name of an instance.

They are no component classes: for each of these Textual makes and styles a node whenever it styles a widget.
"""


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
