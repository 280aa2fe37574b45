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
    """What is wrong."""
    is_warming: bool = False
    """It said that it is ready, and has not completed its first token yet."""
    first_token_s: float | None = None
    """How long the warm-up's token took; None without a warm-up."""
    progress: float | None = None
    """Share of the model that is loaded, 0 to 1; None when it is not known, or the load is over."""
    note: str = ""
    """What an operator should know although nothing is wrong."""


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
    match result.answer:
        case Answer.HEALTHY:
            first_token_s = verdict.first_token_s if result.first_token_s is None else result.first_token_s
            return Verdict(Health.HEALTHY, was_healthy=True, first_token_s=first_token_s, note=result.note)
        case Answer.UNASKED:
            return replace(verdict, note=result.detail)
        case Answer.LOADING | Answer.REFUSED:
            is_patient = age_s <= policy.start_period_s or since_progress_s <= PROGRESS_LIMIT_S
            if is_patient and not verdict.was_healthy:
                return replace(verdict, health=Health.LOADING, failures=0, detail=result.detail, is_warming=False)
        case Answer.WRONG | Answer.SILENT:
            pass
    failures = verdict.failures + 1
    health = Health.UNHEALTHY if failures >= policy.retries else verdict.health
    return replace(verdict, health=health, failures=failures, detail=result.detail, note="")


def judge_alone(result: ProbeResult, verdict: Verdict) -> Health:
    """What one answer says by itself, for a strip of answers; `verdict` is the one that it led to."""
    match result.answer:
        case Answer.HEALTHY:
            return Health.HEALTHY
        case Answer.UNASKED:
            return Health.UNKNOWN
        case Answer.LOADING | Answer.REFUSED | Answer.WRONG | Answer.SILENT:
            return Health.UNHEALTHY if verdict.failures else Health.LOADING
