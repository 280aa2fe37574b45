"""What each instance made and took in the last minutes: the memory behind the small curves. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import StrEnum

from engine.snapshots import InstanceSnapshot, Snapshot

KEPT = 120
"""Samples of each instance, one a second."""
BARS = "▁▂▃▄▅▆▇█"
NO_BAR = " "


class Measure(StrEnum):
    """What is remembered."""

    TOKENS = "tokens/s"
    CPU = "CPU"
    """Percent; 100 is one core."""
    MEMORY = "memory"
    """Bytes."""
    PROBE = "latency"
    """Milliseconds of the last check."""


class RateHistory:
    """Samples by instance and measure. Lives on the UI thread."""

    def __init__(self) -> None:
        self._samples: dict[tuple[str, Measure], deque[float]] = {}
        self._totals: deque[float] = deque(maxlen=KEPT)
        self._second = 0

    def note(self, snapshot: Snapshot) -> None:
        """Take a sample of every instance, once a second; what is not told any more is forgotten."""
        second = int(snapshot.taken_at)
        if second == self._second:
            return
        self._second = second
        before, self._samples = self._samples, {}
        for one in snapshot.instances:
            for measure in Measure:
                if (value := _measured(one, measure)) is not None:
                    key = one.name, measure
                    samples = self._samples[key] = before.get(key) or deque(maxlen=KEPT)
                    samples.append(value)
        rates = [rate for one in snapshot.instances if (rate := _measured(one, Measure.TOKENS)) is not None]
        if rates:
            self._totals.append(sum(rates))
        else:
            self._totals.clear()

    @property
    def totals(self) -> tuple[float, ...]:
        """The tokens per second of all instances together, oldest first."""
        return tuple(self._totals)

    def of(self, name: str, measure: Measure = Measure.TOKENS) -> tuple[float, ...]:
        """The samples of one instance, oldest first."""
        return tuple(self._samples.get((name, measure), ()))


def _measured(one: InstanceSnapshot, measure: Measure) -> float | None:
    match measure:
        case Measure.TOKENS:
            return one.load.tokens_per_s if one.load is not None else None
        case Measure.CPU:
            return one.cpu_percent
        case Measure.MEMORY:
            return one.memory_bytes
        case Measure.PROBE:
            return None if one.probe_s is None or one.pid is None else one.probe_s * 1000


def draw_curve(samples: Sequence[float], width: int) -> str:
    """The newest `width` samples as bars, the highest of them full; nothing at all while all are zero."""
    shown = samples[-width:]
    highest = max(shown, default=0.0)
    if width <= 0 or highest <= 0:
        return ""
    steps = len(BARS) - 1
    bars = "".join(BARS[round(value / highest * steps)] for value in shown)
    return NO_BAR * (width - len(bars)) + bars
