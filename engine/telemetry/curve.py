"""How the memory of one run went: the last minute as it was measured, what came before ever more coarsely. Pure."""

from __future__ import annotations

from typing import NamedTuple

RECENT = 30
"""Measurements kept one by one; at one in two seconds, a minute."""
COARSE = 32
"""Measurements kept of all the time before."""


class MemoryPoint(NamedTuple):
    """One measurement."""

    age_s: float
    """Since the run was executed."""
    memory_bytes: int


class MemoryCurve:
    """Owned by one thread; holds a bounded number of points however long the run lives."""

    def __init__(self) -> None:
        self._recent: list[MemoryPoint] = []
        self._coarse: list[MemoryPoint] = []
        self._stride = 1
        self._left = 0
        """How many have left the last minute so far."""

    def note(self, age_s: float, memory_bytes: int) -> None:
        """Take one measurement."""
        self._recent.append(MemoryPoint(age_s, memory_bytes))
        if len(self._recent) <= RECENT:
            return
        oldest = self._recent.pop(0)
        if self._left % self._stride == 0:
            self._coarse.append(oldest)
        self._left += 1
        if len(self._coarse) > COARSE:
            self._coarse = self._coarse[::2]
            self._stride *= 2

    @property
    def points(self) -> tuple[MemoryPoint, ...]:
        """What is kept, oldest first."""
        return (*self._coarse, *self._recent)
