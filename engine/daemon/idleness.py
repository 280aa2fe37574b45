"""When a daemon that was only handed the lead has nothing left to do."""

from __future__ import annotations

from engine.snapshots import Desired, Snapshot, Status

_RESTS = frozenset({Status.STOPPED, Status.FAILED})


def is_at_rest(snapshot: Snapshot) -> bool:
    """True when this process leads, nothing runs and nothing is wanted."""
    return snapshot.is_leader and all(
        one.desired is Desired.STOPPED and one.pid is None and one.status in _RESTS for one in snapshot.instances
    )


class Idleness:
    """How long there has been nothing to do; owned by one thread. `limit_s` None means that it never ends for that."""

    def __init__(self, limit_s: float | None) -> None:
        self._limit_s = limit_s
        self._since: float | None = None

    def note(self, *, is_idle: bool, now: float) -> bool:
        """Take note of how it is at `now` (monotonic); True when that has lasted for the limit."""
        if self._limit_s is None or not is_idle:
            self._since = None
            return False
        self._since = now if self._since is None else self._since
        return now - self._since >= self._limit_s

    def left_s(self, now: float) -> float | None:
        """Seconds until the limit is reached; None while there is something to do."""
        if self._limit_s is None or self._since is None:
            return None
        return max(0.0, self._since + self._limit_s - now)
