"""How fast each instance made tokens in the last minute: the memory behind the small curves. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from engine.snapshots import Snapshot

KEPT = 60
"""Samples of each instance, one a second."""
BARS = "▁▂▃▄▅▆▇█"
NO_BAR = " "


class RateHistory:
    """Tokens per second by instance. Lives on the UI thread."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[float]] = {}
        self._second = 0

    def note(self, snapshot: Snapshot) -> None:
        """Take a sample of every instance, once a second; who tells nothing is forgotten."""
        second = int(snapshot.taken_at)
        if second == self._second:
            return
        self._second = second
        before, self._samples = self._samples, {}
        for one in snapshot.instances:
            if one.load is not None and one.load.tokens_per_s is not None:
                samples = self._samples[one.name] = before.get(one.name) or deque(maxlen=KEPT)
                samples.append(one.load.tokens_per_s)

    def of(self, name: str) -> tuple[float, ...]:
        """The samples of one instance, oldest first."""
        return tuple(self._samples.get(name, ()))


def draw_curve(samples: Sequence[float], width: int) -> str:
    """The newest `width` samples as bars, the highest of them full; nothing at all while all are zero."""
    shown = samples[-width:]
    highest = max(shown, default=0.0)
    if width <= 0 or highest <= 0:
        return ""
    steps = len(BARS) - 1
    bars = "".join(BARS[round(value / highest * steps)] for value in shown)
    return NO_BAR * (width - len(bars)) + bars
