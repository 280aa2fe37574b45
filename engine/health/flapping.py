"""Health that comes and goes: noticed once in a while, however often it changes. Pure."""

from __future__ import annotations

from collections import deque

from engine.snapshots import Health

FLAP_CHANGES = 6
"""So many changes between healthy and unhealthy …"""
FLAP_WINDOW_S = 600.0
"""… within this time are flapping."""


class FlapWatch:
    """The changes of one instance's answers; it lives longer than a run."""

    def __init__(self) -> None:
        self._last: Health | None = None
        self._changes: deque[float] = deque(maxlen=FLAP_CHANGES)
        self._told_mono: float | None = None

    def note(self, answered: Health, now: float) -> bool:
        """Take one answer; True when it shows flapping, and nothing was said of that within the window."""
        if answered not in (Health.HEALTHY, Health.UNHEALTHY) or answered is self._last:
            return False
        if self._last is not None:
            self._changes.append(now)
        self._last = answered
        if not self.is_flapping(now) or (self._told_mono is not None and now - self._told_mono < FLAP_WINDOW_S):
            return False
        self._told_mono = now
        return True

    def is_flapping(self, now: float) -> bool:
        """True while the window holds that many changes."""
        return len(self._changes) == FLAP_CHANGES and now - self._changes[0] <= FLAP_WINDOW_S
