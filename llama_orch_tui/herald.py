"""Decides when the operator, who may be looking elsewhere, has to be told that instances got into trouble."""

from __future__ import annotations

from collections.abc import Callable

from engine.snapshots import InstanceSnapshot, Snapshot, State

PAUSE_S = 10.0
"""At most one message in so long: when everything falls over, one message tells it."""
NAMED = 3
"""More names than these are counted."""
_GRAVITY = {State.BACKOFF: 1, State.UNHEALTHY: 1, State.FAILED: 2}
_PEACE = frozenset({State.READY, State.STOPPED})


class Herald:
    """Fed with snapshots, it answers with a message when there is one.

    An instance is told once: again only after it was well, or stopped, in between, or when it has been given up. What
    is in trouble when the console opens is on the screen before the operator's eyes, and not told.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told: dict[str, int] | None = None
        """How grave what was told of each instance is."""
        self._waiting: dict[str, InstanceSnapshot] = {}
        self._quiet_until = 0.0

    def hear(self, snapshot: Snapshot) -> None:
        """Take note of a snapshot."""
        if self._told is None:
            if snapshot.seq:
                self._told = {one.name: _GRAVITY.get(one.state, 0) for one in snapshot.instances}
            return
        for one in snapshot.instances:
            gravity = _GRAVITY.get(one.state, 0)
            if gravity > self._told.get(one.name, 0):
                self._told[one.name] = gravity
                self._waiting[one.name] = one
            elif one.state in _PEACE:
                self._told.pop(one.name, None)
                self._waiting.pop(one.name, None)

    def speak(self) -> str:
        """The message that is due; empty while there is none."""
        now = self._clock()
        if not self._waiting or now < self._quiet_until:
            return ""
        self._quiet_until = now + PAUSE_S
        troubled, self._waiting = list(self._waiting.values()), {}
        if len(troubled) == 1:
            (one,) = troubled
            why = one.why.splitlines()[0] if one.why else ""
            return f"{one.name} {one.state.value}: {why}" if why else f"{one.name} {one.state.value}"
        names = ", ".join(one.name for one in troubled[:NAMED])
        more = f" and {len(troubled) - NAMED} more" if len(troubled) > NAMED else ""
        return f"{len(troubled)} instances in trouble: {names}{more}"
