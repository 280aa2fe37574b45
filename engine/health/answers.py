"""What a check can find: words and data, without the means to ask."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Answer(StrEnum):
    """What a check found."""

    HEALTHY = "healthy"
    LOADING = "loading"
    """503, or the "no" of a script, which cannot tell a load from a failure: neither is one while a model loads."""
    REFUSED = "refused"
    """Nobody listens: not yet while a server starts, and a dead one later."""
    WRONG = "wrong"
    """It answered, but not what a healthy server answers."""
    SILENT = "silent"
    """Nothing whole came back in time, though somebody holds the port: a hang."""
    UNASKED = "unasked"
    """It could not be found out (no descriptor left on our side, for example): nothing is concluded from it."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The answer, with how long it took and words for a person."""

    answer: Answer
    latency_s: float
    detail: str = ""
    """What is wrong; of a healthy server, what its check said."""
    first_token_s: float | None = None
    """Seconds from the warm-up's request to its token; None when this check was no warm-up."""
    note: str = ""
    """What an operator should know although nothing is wrong."""
