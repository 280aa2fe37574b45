"""What a row of answers says about a server. Pure: answers and moments in, a verdict out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.health.answers import Answer, ProbeResult
from engine.snapshots import Health

PROGRESS_LIMIT_S = 60.0
"""A load that made progress within this time is still a load, however long it takes."""


@dataclass(frozen=True, slots=True)
class JudgePolicy:
    """The numbers of ``[instances.X.healthcheck]`` that shape the verdict."""

    retries: int = 3
    start_period_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The health so far, and what it was concluded from."""

    health: Health = Health.LOADING
    failures: int = 0
    """Failed answers in a row."""
    was_healthy: bool = False
    """Healthy at least once in this run: the start period is over then."""
    detail: str = ""


def judge(
    verdict: Verdict, result: ProbeResult, policy: JudgePolicy, *, age_s: float, since_progress_s: float
) -> Verdict:
    """The verdict after one more answer.

    Args:
        verdict: The verdict before.
        result: The new answer.
        policy: Patience.
        age_s: Age of the run.
        since_progress_s: How long ago its load last made progress (read more, grew).
    """
    if result.answer is Answer.HEALTHY:
        return Verdict(Health.HEALTHY, was_healthy=True)
    is_starting = not verdict.was_healthy and (age_s <= policy.start_period_s or since_progress_s <= PROGRESS_LIMIT_S)
    if is_starting and result.answer is Answer.LOADING:
        return replace(verdict, health=Health.LOADING, failures=0, detail=result.detail)
    failures = verdict.failures + 1
    health = Health.UNHEALTHY if failures >= policy.retries else verdict.health
    return replace(verdict, health=health, failures=failures, detail=result.detail)
