"""What a probe can find: words and data, without the means to ask."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Answer(StrEnum):
    """What a probe found."""

    HEALTHY = "healthy"
    LOADING = "loading"
    """503, or nobody listens yet: no failure while a model loads."""
    WRONG = "wrong"
    """It answered, but not what a healthy server answers."""
    SILENT = "silent"
    """The port is open and nothing came back in time: a hang."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The answer, with how long it took and words for a person."""

    answer: Answer
    latency_s: float
    detail: str = ""
