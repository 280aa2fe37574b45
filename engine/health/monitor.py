"""The prober: asks every watched run when it is due, on a few threads, and tells the verdicts."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from engine.clock import Clock
from engine.health.answers import Answer, ProbeResult
from engine.health.judge import JudgePolicy, Verdict, judge
from engine.health.probes import ProbeFactory, ProbeKind, ProbeTarget
from engine.process.listeners import find_stranger
from engine.snapshots import Health

PROBE_THREADS = 8
FIRST_DELAY_S = 0.02
LOADING_GROWTH = 1.5
LOADING_LIMIT_S = 1.0
"""While a model loads it is asked ever more slowly, up to this period: readiness is seen soon, the load undisturbed."""
UNPROBED_READY_S = 1.0
"""Without a probe, a run counts as ready this long after it was executed."""


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


Told = Callable[[str, str, Verdict, ProbeResult | None], None]
"""Called with name, run id, the verdict and the answer it came from (None without a probe), on a probe thread."""


@dataclass(slots=True)
class _Patient:
    watch: Watch
    verdict: Verdict = field(default_factory=Verdict)
    delay_s: float = FIRST_DELAY_S
    progress_mono: float = 0.0


class HealthMonitor:
    """Owns the schedule; `watch`, `unwatch` and `note_progress` may be called from any thread."""

    def __init__(self, clock: Clock, on_verdict: Told) -> None:
        self._clock = clock
        self._on_verdict = on_verdict
        self._condition = threading.Condition()
        self._patients: dict[str, _Patient] = {}
        self._due: list[tuple[float, str, str]] = []
        self._is_closing = False
        self._pool = ThreadPoolExecutor(PROBE_THREADS, thread_name_prefix="probe")
        self._thread = threading.Thread(target=self._run, name="health-monitor", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def watch(self, name: str, watch: Watch) -> None:
        """Ask this run from now on, in place of any earlier run of the name."""
        now = self._clock.monotonic()
        with self._condition:
            self._patients[name] = _Patient(watch, progress_mono=now)
            delay = UNPROBED_READY_S if watch.target.kind is ProbeKind.NONE else FIRST_DELAY_S
            heapq.heappush(self._due, (now + delay, name, watch.run_id))
            self._condition.notify_all()

    def unwatch(self, name: str) -> None:
        """Ask this name no more."""
        with self._condition:
            self._patients.pop(name, None)

    def note_progress(self, name: str) -> None:
        """A load was seen to go on (memory grew, more was read)."""
        with self._condition:
            if patient := self._patients.get(name):
                patient.progress_mono = self._clock.monotonic()

    def close(self) -> None:
        """End the threads; a probe under way is waited for, at most its time-out."""
        with self._condition:
            self._is_closing = True
            self._patients.clear()
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        factory = ProbeFactory()
        try:
            while (found := self._wait_for_due()) is not None:
                name, patient = found
                self._pool.submit(self._examine, factory, name, patient)
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
            factory.close()

    def _wait_for_due(self) -> tuple[str, _Patient] | None:
        """The next patient whose moment has come; None at the end."""
        with self._condition:
            while not self._is_closing:
                now = self._clock.monotonic()
                if not self._due or self._due[0][0] > now:
                    self._condition.wait(self._due[0][0] - now if self._due else None)
                    continue
                _, name, run_id = heapq.heappop(self._due)
                patient = self._patients.get(name)
                if patient is not None and patient.watch.run_id == run_id:
                    return name, patient
            return None

    def _examine(self, factory: ProbeFactory, name: str, patient: _Patient) -> None:
        watch = patient.watch
        if watch.target.kind is ProbeKind.NONE:
            self._on_verdict(name, watch.run_id, Verdict(Health.UNKNOWN, was_healthy=True), None)
            return
        result = factory.get(watch.target.kind).check(watch.target)
        if result.answer is Answer.HEALTHY and not patient.verdict.was_healthy:
            result = _check_owner(watch, result)
        now = self._clock.monotonic()
        with self._condition:
            patient.verdict = judge(
                patient.verdict,
                result,
                watch.policy,
                age_s=now - watch.started_mono,
                since_progress_s=now - patient.progress_mono,
            )
            is_current = self._patients.get(name) is patient
            if is_current:
                heapq.heappush(self._due, (now + self._next_delay(patient, result), name, watch.run_id))
                self._condition.notify_all()
        if is_current:
            self._on_verdict(name, watch.run_id, patient.verdict, result)

    @staticmethod
    def _next_delay(patient: _Patient, result: ProbeResult) -> float:
        if result.answer is not Answer.LOADING or patient.verdict.was_healthy:
            return patient.watch.interval_s
        patient.delay_s = min(patient.delay_s * LOADING_GROWTH, LOADING_LIMIT_S, patient.watch.interval_s)
        return patient.delay_s


def _check_owner(watch: Watch, result: ProbeResult) -> ProbeResult:
    """A first healthy answer counts only when our own tree gave it."""
    port = watch.target.port
    if watch.target.kind not in (ProbeKind.HTTP, ProbeKind.TCP) or port is None:
        return result
    stranger = find_stranger(watch.pid, port)
    if not stranger:
        return result
    return ProbeResult(Answer.WRONG, result.latency_s, f"port {port} is answered by {stranger}, not by this instance")
