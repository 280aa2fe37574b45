"""A run under watch: how it is to be asked, and what is remembered from one check to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from zlib import crc32

from engine.health.answers import Answer, ProbeResult
from engine.health.completions import COMPLETION_LIMIT_S
from engine.health.judge import JudgePolicy, Verdict
from engine.health.loading import LoadGauge
from engine.health.slots import DeepState
from engine.health.targets import ProbeKind, ProbeTarget

FIRST_DELAY_S = 0.02
LOADING_GROWTH = 1.5
LOADING_LIMIT_S = 1.0
"""While a model loads it is asked ever more slowly, up to this period: readiness is seen soon, the load undisturbed."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One run to be asked."""

    run_id: str
    pid: int
    target: ProbeTarget
    policy: JudgePolicy
    interval_s: float
    started_mono: float
    """When it was executed, on the monotonic clock."""
    verdict: Verdict = field(default_factory=Verdict)
    """What is known of it already: a run that was healthy needs no warm-up."""
    warmup_prompt: str = ""
    """What the warm-up completes; empty is no warm-up."""
    deep_interval_s: float = 0.0
    """From one deep check to the next; 0 is never."""
    completion_limit_s: float = COMPLETION_LIMIT_S
    """How long the one token of a warm-up or a deep check may take."""
    model_path: str = ""
    """The model's (first) file, for the progress of a load; empty when it is not known."""
    may_sleep: bool = False
    """It puts its model away for want of work: questions that wake it are not asked."""


@dataclass(slots=True)
class Patient:
    """Owned by the event loop's thread."""

    watch: Watch
    verdict: Verdict
    is_warm: bool
    is_ours: bool = False
    """Whoever answers on its port was seen to be of its own tree (or nobody else was)."""
    delay_s: float = FIRST_DELAY_S
    progress_mono: float = 0.0
    gauge: LoadGauge = field(default_factory=LoadGauge)
    deep: DeepState = field(default_factory=DeepState)

    def next_delay(self, result: ProbeResult, *, was_ready: bool) -> float:
        """Seconds from the start of this check to the start of the next one."""
        watch = self.watch
        if result.answer in (Answer.LOADING, Answer.REFUSED) and not self.verdict.was_healthy:
            self.delay_s = min(self.delay_s * LOADING_GROWTH, LOADING_LIMIT_S, watch.interval_s)
            return self.delay_s
        if self.verdict.was_healthy and not was_ready:
            return watch.interval_s * _spread(watch.run_id)
        return watch.interval_s


def admit(watch: Watch, now: float) -> Patient:
    """A run that has not been asked yet."""
    is_warm = watch.verdict.was_healthy or not watch.warmup_prompt or watch.target.kind is ProbeKind.CUSTOM
    return Patient(watch, watch.verdict, is_warm, progress_mono=now, deep=DeepState(last_mono=now, busy_mono=now))


def _spread(run_id: str) -> float:
    """Between a half and a whole: runs that became ready together are not asked together for ever."""
    return 0.5 + crc32(run_id.encode()) / (1 << 33)
