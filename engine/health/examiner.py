"""One examination of one run: its health check, whose answer that is, its warm-up and its deep check."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from engine.clock import Clock
from engine.health.answers import Answer, ProbeResult
from engine.health.chores import Chores
from engine.health.completions import DEEP_PROMPT, complete, find_busy_slots, is_sleeping
from engine.health.loading import is_stopped, measure_model, read_load
from engine.health.patients import Patient, Watch
from engine.health.probes import ProbeFactory
from engine.health.slots import DeepStep, weigh_slots
from engine.health.targets import ProbeKind
from engine.process.listeners import Listener, find_stranger


class Examiner:
    """Owned by the event loop's thread."""

    def __init__(self, chores: Chores, clock: Clock) -> None:
        self._chores = chores
        self._clock = clock
        self._probes = ProbeFactory(chores)
        self.asker = self._probes.asker
        """For questions that are no examination."""

    async def examine(self, patient: Patient, on_warming: Callable[[], None]) -> ProbeResult:
        """Ask all that is due; `on_warming` is called when a warm-up begins."""
        result = await self._ask(patient)
        if result.answer is Answer.SILENT and is_stopped(patient.watch.pid):
            return replace(result, detail=f"{result.detail}; its process is stopped (SIGSTOP, or a debugger)")
        if result.answer is not Answer.HEALTHY:
            return result
        if not patient.is_warm:
            on_warming()
            return await self._warm_up(patient, result)
        if patient.watch.deep_interval_s and patient.watch.target.kind is ProbeKind.HTTP:
            return await self._look_deep(patient, result)
        return result

    async def note_load(self, patient: Patient) -> None:
        """See how far its load is."""
        gauge, watch = patient.gauge, patient.watch
        sample = read_load(watch.pid)
        if sample is not None and gauge.note(sample):
            patient.progress_mono = self._clock.monotonic()
        if gauge.total_bytes is None:
            path = watch.model_path
            gauge.total_bytes = await asyncio.wrap_future(self._chores.submit(lambda: measure_model(path)))

    async def _ask(self, patient: Patient) -> ProbeResult:
        """The health check; the key is kept back until it is known that our own tree listens."""
        target = patient.watch.target
        probe = self._probes.get(target.kind)
        if patient.is_ours or target.kind is ProbeKind.CUSTOM:
            return await probe.check(target)
        result = await probe.check(replace(target, api_key=""))
        if result.answer in (Answer.REFUSED, Answer.UNASKED):
            return result
        if stranger := await self._find_stranger(patient.watch):
            return ProbeResult(
                Answer.WRONG,
                result.latency_s,
                f"port {target.port} is answered by {stranger.describe()}, not by this instance",
            )
        patient.is_ours = True
        return await probe.check(target) if target.api_key else result

    async def prove_ours(self, patient: Patient) -> bool:
        """True when nobody but the run's own tree listens on its port."""
        if not patient.is_ours:
            patient.is_ours = await self._find_stranger(patient.watch) is None
        return patient.is_ours

    async def _find_stranger(self, watch: Watch) -> Listener | None:
        host, port = watch.target.host, watch.target.port
        if port is None:
            return None
        return await asyncio.wrap_future(self._chores.submit(lambda: find_stranger(watch.pid, host, port)))

    async def _warm_up(self, patient: Patient, result: ProbeResult) -> ProbeResult:
        watch = patient.watch
        warmed = await complete(self._probes.asker, watch.target, watch.warmup_prompt, watch.completion_limit_s)
        if warmed.answer is not Answer.HEALTHY:
            return replace(warmed, detail=f"warm-up: {warmed.detail}")
        patient.is_warm = True
        return replace(result, first_token_s=warmed.first_token_s)

    async def _look_deep(self, patient: Patient, result: ProbeResult) -> ProbeResult:
        """`result`, or what a deep check that is due says against it."""
        now = self._clock.monotonic()
        watch, asker = patient.watch, self._probes.asker
        if now - patient.deep.last_mono < watch.deep_interval_s or await is_sleeping(asker, watch.target):
            return replace(result, note=patient.verdict.note)
        busy = await find_busy_slots(asker, watch.target)
        if isinstance(busy, str):
            return replace(result, note=f"no deep check: whether a slot is busy cannot be known ({busy})")
        patient.deep, step = weigh_slots(patient.deep, busy, now)
        match step:
            case DeepStep.COMPLETE:
                return await self._complete(patient, result)
            case DeepStep.PASS:
                return result
            case DeepStep.HOLD:
                return ProbeResult(Answer.UNASKED, result.latency_s, "a deep check failed; its slot is watched")
            case DeepStep.STUCK:
                detail = f"deep check: {len(busy)} busy slots, and none makes a step"
                return ProbeResult(Answer.SILENT, result.latency_s, detail)
            case _:
                assert_never(step)

    async def _complete(self, patient: Patient, result: ProbeResult) -> ProbeResult:
        watch = patient.watch
        deep = await complete(self._probes.asker, watch.target, DEEP_PROMPT, watch.completion_limit_s)
        if deep.answer is Answer.HEALTHY:
            patient.deep = replace(patient.deep, last_mono=self._clock.monotonic(), is_suspect=False)
            return result
        if deep.answer is Answer.UNASKED:
            return deep
        patient.deep = replace(patient.deep, is_suspect=True)
        return replace(deep, detail=f"deep check: {deep.detail}")
