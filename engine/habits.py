"""What the operator wants the console to do of itself: closed words of `[dashboard]`, standard library only."""

from __future__ import annotations

from enum import StrEnum


class Confirm(StrEnum):
    """Before which acts the console asks."""

    RISKY = "risky"
    """Those that end several models, or one with requests in flight."""
    ALWAYS = "always"
    """Those that end any model."""
    NEVER = "never"


class Notify(StrEnum):
    """How the console calls for the operator when an instance gets into trouble."""

    OFF = "off"
    """Not at all: whoever looks sees it."""
    BELL = "bell"
    """The terminal's bell."""
    DESKTOP = "desktop"
    """A message of the desktop, through the terminal."""
    BOTH = "both"
