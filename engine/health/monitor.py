"""The prober: asks every watched run when it is due and tells the verdicts, all on one event loop.

A task waits for each run, not a thread; a target that hangs holds a task and a socket, and nobody up.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from engine.clock import Clock
from engine.health.answers import Answer, ProbeResult
from engine.health.chores import Chores
from engine.health.examiner import Examiner
from engine.health.judge import Verdict, judge
from engine.health.patients import FIRST_DELAY_S, Patient, Watch, admit
from engine.health.targets import ProbeKind
from engine.snapshots import Health
from engine.telemetry.llama import LlamaReader, Loads

UNPROBED_READY_S = 1.0
"""Without a probe, a run counts as ready this long after it was executed."""
CLOSE_LIMIT_S = 0.4
"""What the end may wait for a thread that is inside a system call."""
FAREWELL_ROUNDS = 3
"""Rounds of the loop in which connections that were aborted are really closed."""

Told = Callable[[str, str, Verdict, ProbeResult | None], None]
"""Called with name, run id, the verdict and the answer it came from, on the monitor's thread.

The answer is None where there is none of a whole examination: without a probe, and when a warm-up begins.
"""


class HealthMonitor:
    """Owns the schedule; `watch`, `unwatch`, `note_progress`, `note_work` and `look` may be called from any thread."""

    def __init__(
        self,
        clock: Clock,
        on_verdict: Told,
        on_fault: Callable[[str], None],
        on_loads: Callable[[Loads], None] = lambda _: None,
    ) -> None:
        """`on_fault` is told of trouble that concerns no instance, `on_loads` of live numbers while somebody looks.

        Both are called on the monitor's thread.
        """
        self._clock = clock
        self._on_verdict = on_verdict
        self._on_fault = on_fault
        self._chores = Chores()
        self._examiner = Examiner(self._chores, clock)
        self._patients: dict[str, Patient] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._reader = LlamaReader(self._patients, self._examiner.asker, self._examiner.prove_ours, clock, on_loads)
        self._reading: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._note_trouble)
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="health-monitor", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def watch(self, name: str, watch: Watch) -> None:
        """Ask this run from now on, in place of any earlier run of the name."""
        self._tell_loop(lambda: self._admit(name, watch))

    def unwatch(self, name: str) -> None:
        """Ask this name no more."""
        self._tell_loop(lambda: self._discharge(name))

    def note_progress(self, name: str) -> None:
        """A load was seen to go on (memory grew, more was read)."""
        self._tell_loop(lambda: self._note_progress(name))

    def note_work(self, work: Mapping[str, bool]) -> None:
        """By instance: whether its processes have used the CPU since this was told last."""
        self._tell_loop(lambda: self._reader.note_work(work))

    def look(self, *, is_looking: bool) -> None:
        """Have live numbers read from here on, or no more."""
        self._tell_loop(lambda: self._set_looking(is_looking=is_looking))

    def close(self) -> None:
        """End the thread, whatever is in flight, within half a second; nothing is told afterwards. Idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        deadline = time.monotonic() + CLOSE_LIMIT_S
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._chores.close(max(0.0, deadline - time.monotonic()))
        self._loop.close()

    # -- on the loop's thread

    def _tell_loop(self, act: Callable[[], None]) -> None:
        if not self._is_closed:
            self._loop.call_soon_threadsafe(act)

    def _run(self) -> None:
        self._loop.run_forever()
        tasks = [*self._tasks.values(), *([self._reading] if self._reading else [])]
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(_see_off(tasks))

    def _note_trouble(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._on_fault(f"the health monitor met {context.get('exception') or context['message']}")

    def _admit(self, name: str, watch: Watch) -> None:
        self._discharge(name)
        patient = self._patients[name] = admit(watch, self._clock.monotonic())
        self._tasks[name] = self._loop.create_task(self._care(name, patient), name=f"health of {name}")

    def _discharge(self, name: str) -> None:
        self._patients.pop(name, None)
        if task := self._tasks.pop(name, None):
            task.cancel()

    def _note_progress(self, name: str) -> None:
        if patient := self._patients.get(name):
            patient.progress_mono = self._clock.monotonic()

    def _set_looking(self, *, is_looking: bool) -> None:
        if is_looking and self._reading is None:
            self._reading = self._loop.create_task(self._reader.run(), name="live numbers")
        elif not is_looking and self._reading is not None:
            self._reading.cancel()
            self._reading = None

    async def _care(self, name: str, patient: Patient) -> None:
        """Ask one run until it is discharged."""
        if patient.watch.target.kind is ProbeKind.NONE:
            await asyncio.sleep(UNPROBED_READY_S)
            self._on_verdict(name, patient.watch.run_id, Verdict(Health.UNKNOWN, was_healthy=True), None)
            return
        await asyncio.sleep(FIRST_DELAY_S)
        while True:
            began = self._loop.time()
            was_ready = patient.verdict.was_healthy
            result = await self._examine(name, patient)
            self._conclude(name, patient, result)
            delay_s = patient.next_delay(result, was_ready=was_ready)
            await asyncio.sleep(max(0.0, began + delay_s - self._loop.time()))

    async def _examine(self, name: str, patient: Patient) -> ProbeResult:
        try:
            result = await self._examiner.examine(patient, lambda: self._tell_warming(name, patient))
            if not patient.verdict.was_healthy and result.answer in (Answer.LOADING, Answer.SILENT):
                await self._examiner.note_load(patient)
        except Exception as error:  # noqa: BLE001 - the top of a watch: it must go on, and say what is wrong
            return ProbeResult(Answer.UNASKED, 0.0, f"the check itself failed: {error!r}")
        return result

    def _tell_warming(self, name: str, patient: Patient) -> None:
        if not patient.verdict.is_warming:
            patient.verdict = replace(patient.verdict, is_warming=True, progress=None)
            self._on_verdict(name, patient.watch.run_id, patient.verdict, None)

    def _conclude(self, name: str, patient: Patient, result: ProbeResult) -> None:
        now = self._clock.monotonic()
        verdict = judge(
            patient.verdict,
            result,
            patient.watch.policy,
            age_s=now - patient.watch.started_mono,
            since_progress_s=now - patient.progress_mono,
        )
        is_loading = not verdict.was_healthy and not verdict.is_warming
        patient.verdict = replace(verdict, progress=patient.gauge.share if is_loading else None)
        self._on_verdict(name, patient.watch.run_id, patient.verdict, result)


async def _see_off(tasks: list[asyncio.Task[None]]) -> None:
    """Wait for tasks that were cancelled, and for their connections to close."""
    await asyncio.gather(*tasks, return_exceptions=True)
    for _ in range(FAREWELL_ROUNDS):
        await asyncio.sleep(0)
