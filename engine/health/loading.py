"""How far a load is: what the server has read and mapped, against the size of its model's files."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

ALMOST = 0.99
"""What a load shows at most: after the last byte come the warm-up and the context's memory."""

_SPLIT = re.compile(r"(.*)-\d{5}-of-(\d{5})(\.gguf)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LoadSample:
    """Bytes that a process has taken in so far."""

    read_bytes: int
    mapped_bytes: int
    """Of mapped files, in memory (elsewhere than on Linux: all its memory)."""


class LoadGauge:
    """The load of one run. What it had taken in before the first sample is its program, not its model."""

    def __init__(self) -> None:
        self.total_bytes: int | None = None
        """Size of the model; None until it is known, 0 when it cannot be."""
        self._first: LoadSample | None = None
        self._last: LoadSample | None = None
        self._share = 0.0

    @property
    def share(self) -> float | None:
        """0 to `ALMOST`, never shrinking; None when it cannot be told."""
        return self._share if self.total_bytes and self._last is not None else None

    def note(self, sample: LoadSample) -> bool:
        """Take a sample; True when it shows progress."""
        if self._first is None or self._last is None:
            self._first = self._last = sample
            return False
        grew = sample.read_bytes > self._last.read_bytes or sample.mapped_bytes > self._last.mapped_bytes
        self._last = sample
        if self.total_bytes:
            # Its head is read, its tensors are mapped (or read, too, by a server that is told so): both count.
            taken = sample.read_bytes + sample.mapped_bytes - self._first.read_bytes - self._first.mapped_bytes
            self._share = max(self._share, min(ALMOST, taken / self.total_bytes))
        return grew


def measure_model(path: str) -> int:
    """Bytes of a model's files, all parts of a split one; 0 when they cannot be read."""
    if not path:
        return 0
    split = _SPLIT.fullmatch(path)
    parts = (
        [f"{split[1]}-{number:05}-of-{split[2]}{split[3]}" for number in range(1, int(split[2]) + 1)] if split else []
    )
    try:
        return sum(Path(part).stat().st_size for part in parts or [path])
    except OSError:
        return 0


def read_load(pid: int) -> LoadSample | None:
    """What a process has taken in; None when it cannot be read (it has ended, or is another user's)."""
    if sys.platform != "linux":
        try:
            return LoadSample(0, psutil.Process(pid).memory_info().rss)
        except psutil.Error:
            return None
    try:
        counters = Path(f"/proc/{pid}/io").read_bytes().split(None, 2)
        pages = Path(f"/proc/{pid}/statm").read_bytes().split(None, 3)
        return LoadSample(int(counters[1]), int(pages[2]) * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, IndexError, ValueError):
        return None


def is_stopped(pid: int) -> bool:
    """True for a process that a signal or a debugger has stopped: it holds its port, and does nothing."""
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except psutil.Error:
        return False
