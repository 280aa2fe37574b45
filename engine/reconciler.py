"""The decision: what the one next step towards the desired state is. Pure: facts in, an action out.

No clock, no I/O, no memory. The supervisor gathers the facts, asks, carries the action out and asks again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from engine.health.backoff import BackoffPolicy, compute_delay
from engine.plural import format_count
from engine.snapshots import Desired, Health, Status

COMPANY_S = 2.0
"""Ends within this time of another one are not alone: a GPU reset kills several at once, and their restarts spread."""
CROWD_STEP_S = 0.05
"""Each in such a crowd waits so much longer than the one before: twenty come back in a second, however many died."""


class RestartRule(StrEnum):
    """When an end that nobody asked for is followed by a restart."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NEVER = "never"


class Intent(StrEnum):
    """Why a run was asked to end; kept by its keeper and written into the exit record."""

    NONE = ""
    STOP = "stop"
    RESTART = "restart"
    UNHEALTHY = "unhealthy"
    TETHER = "tether"
    """The leader of a tethered run went away."""
    SIGNAL = "signal"
    """The system told the keeper to end, as at shutdown."""
    ORPHAN = "orphan"
    """The keeper died; what it left was killed."""


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """What follows an end that nobody asked for."""

    rule: RestartRule = RestartRule.ALWAYS
    max_retries: int = 5
    reset_after_s: float = 60.0
    """A run this long was stable: the count of failures begins anew."""
    backoff: BackoffPolicy = field(default_factory=BackoffPolicy)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run that is proven ours and alive."""

    run_id: str
    is_stopping: bool = False
    is_overdue: bool = False
    """It is stopping, and its keeper should have ended it long since."""


@dataclass(frozen=True, slots=True)
class EndFacts:
    """The end of a run that has not been judged yet."""

    code: int | None
    """Exit code; None when a signal or an unknown cause ended it."""
    lived_s: float
    intent: Intent = Intent.NONE
    is_permanent: bool = False
    """The cause will be the same at the next try (a missing file, an unknown flag)."""
    company: int = 0
    """How many other instances ended before it, each within `COMPANY_S` of the next."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the decision about one instance depends on."""

    status: Status = Status.STOPPED
    is_busy: bool = False
    """A worker is launching it or clearing an orphan."""
    run: RunFacts | None = None
    is_orphaned: bool = False
    """Something of it lives and no keeper answers."""
    end: EndFacts | None = None
    health: Health = Health.UNKNOWN
    wants_replacement: bool = False
    """The operator asked for a restart of the present run."""
    failures: int = 0
    retry_at: float | None = None
    dependencies_ready: bool = True
    has_live_dependents: bool = False
    """Instances that need this one and still run: they end first."""
    blocked: str = ""
    """Why nothing can be started (its table in the file is wrong, or the file cannot be read)."""
    was_blocked: bool = False
    """It was given up for that."""
    jitter: float = 0.0
    """In [-1, 1], drawn anew for every decision."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until a fact changes, or until the moment given."""

    until: float | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """Start a run now."""

    is_automatic: bool = False
    """True for a restart that no operator asked for: it counts."""
    failures: int = 0
    """The count of ends in a row to remember."""


@dataclass(frozen=True, slots=True)
class AskToStop:
    """Have the keeper end the run."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class ClearOrphan:
    """Hear a silent keeper out, or kill what a dead one left, so that the lock comes free."""


@dataclass(frozen=True, slots=True)
class BecomeStopped:
    """The instance rests, as wanted."""

    by_policy: bool = False
    """The program ended well by itself, and its policy says that this is the end: desired becomes stopped."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """Try again at `until`."""

    until: float
    failures: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No more tries until the operator asks."""

    reason: str
    failures: int = 0
    is_blocked: bool = False
    """Only for want of a right configuration: it goes on when that is mended."""


@dataclass(frozen=True, slots=True)
class HoldBack:
    """Wanted, but what it depends on is not ready."""


Action = Wait | Launch | AskToStop | ClearOrphan | BecomeStopped | BackOff | GiveUp | HoldBack


def decide(desired: Desired, facts: Facts, policy: RestartPolicy, now: float) -> Action:
    """The one next step towards `desired`; `now` in seconds, on the clock of ``facts.retry_at``."""
    if facts.is_busy:
        return Wait()
    if facts.is_orphaned:
        return ClearOrphan()
    if facts.end is not None:
        return _judge_end(desired, facts, facts.end, policy, now)
    if facts.run is not None:
        return _direct_run(desired, facts, facts.run)
    return _direct_rest(desired, facts, now)


def _judge_end(desired: Desired, facts: Facts, end: EndFacts, policy: RestartPolicy, now: float) -> Action:
    """What follows the end of a run."""
    if desired is Desired.STOPPED:
        return BecomeStopped()
    if facts.blocked:
        return GiveUp(facts.blocked, facts.failures, is_blocked=True)
    if end.intent in (Intent.STOP, Intent.RESTART) or facts.wants_replacement:
        return Launch()
    failures = 1 if end.lived_s >= policy.reset_after_s else facts.failures + 1
    if policy.rule is RestartRule.ON_FAILURE and end.code == 0 and end.intent is Intent.NONE:
        return BecomeStopped(by_policy=True)
    if policy.rule is RestartRule.NEVER:
        return GiveUp("its restart policy is never", failures)
    if end.is_permanent:
        return GiveUp("the next try would end the same way", failures)
    if failures > policy.max_retries:
        return GiveUp(
            f"{format_count(failures, 'end')} in a row, {format_count(policy.max_retries, 'restart')} allowed", failures
        )
    if end.lived_s >= policy.reset_after_s and not end.company:
        return Launch(is_automatic=True, failures=failures)
    return BackOff(now + _compute_wait(policy.backoff, failures, facts.jitter, end.company), failures)


def _compute_wait(policy: BackoffPolicy, failures: int, jitter: float, company: int) -> float:
    """The delay, longer for those further back in a crowd; an operator who wants none gets none."""
    delay_s = compute_delay(policy, failures, jitter)
    return delay_s + min(company * CROWD_STEP_S, policy.max_delay_s) if delay_s else 0.0


def _direct_run(desired: Desired, facts: Facts, run: RunFacts) -> Action:
    """What a living run needs."""
    if run.is_stopping:
        return ClearOrphan() if run.is_overdue else Wait()
    if desired is Desired.STOPPED:
        return Wait() if facts.has_live_dependents else AskToStop(Intent.STOP)
    if facts.wants_replacement:
        return AskToStop(Intent.RESTART)
    if facts.health is Health.UNHEALTHY:
        return AskToStop(Intent.UNHEALTHY)
    return Wait()


def _direct_rest(desired: Desired, facts: Facts, now: float) -> Action:
    """What an instance without a run needs."""
    if desired is Desired.STOPPED:
        return Wait() if facts.status is Status.STOPPED else BecomeStopped()
    if facts.status is Status.FAILED and (facts.blocked or not facts.was_blocked):
        return Wait()
    if facts.blocked:
        return GiveUp(facts.blocked, facts.failures, is_blocked=True)
    if facts.status is Status.BACKOFF and facts.retry_at is not None and now < facts.retry_at:
        return Wait(facts.retry_at)
    if not facts.dependencies_ready:
        return HoldBack()
    return Launch(is_automatic=facts.status is Status.BACKOFF, failures=facts.failures)
