"""Asks llama.cpp servers how much they have to do, on the probes' event loop, while somebody looks.

/metrics tells what was done and what waits, /slots what is under way, /props what there is. A server that has nothing
to do is asked rarely and only for its counters: what its processes use of the CPU tells that it has got work. One that
may sleep is never asked for its slots, for that wakes it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from engine.clock import Clock
from engine.health.completions import OK, look_at, parse_json
from engine.health.http_answer import Reply
from engine.health.http_call import HttpAsker
from engine.health.patients import Patient
from engine.health.probes import LOADING_STATUS
from engine.health.targets import ProbeKind
from engine.loads import LlamaLoad
from engine.telemetry.llama_load import (
    METRICS_OFF,
    SLOTS_OFF,
    Counters,
    Look,
    Props,
    SlotReading,
    Tally,
    parse_metrics,
    parse_props,
    parse_slots,
    weigh,
)

BUSY_PERIOD_S = 1.0
IDLE_PERIOD_S = 2.0
QUIET_PERIOD_S = 30.0
"""How often a server is asked that has nothing to do and whose processes have not used the CPU meanwhile."""
WORK_TOLD_S = 6.0
"""How long it counts what was told of the CPU: three rounds of the meter."""
FOREIGN_PERIOD_S = 60.0
"""How often a server that does not speak llama.cpp's language is tried again."""
UNAUTHORIZED = 401
OFF = (404, 501)
"""What a server answers where an endpoint is switched off, or not known."""

Loads = Mapping[str, tuple[str, LlamaLoad]]
"""By instance: the run that was asked, and its numbers."""
Proof = Callable[[Patient], Awaitable[bool]]
"""True when whoever answers on a run's port is of the run's own tree: only then it gets the key."""


@dataclass(slots=True)
class _Gauge:
    """One server under observation."""

    patient: Patient
    props: Props | None = None
    slots: tuple[SlotReading, ...] | None = None
    """As they were when they were last asked for."""
    tally: Tally | None = None
    has_metrics: bool = True
    has_slots: bool = True
    load: LlamaLoad | None = None
    delay_s: float = BUSY_PERIOD_S
    is_idle: bool = False
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    """Its processes have used the CPU since it was asked last."""
    work_told_mono: float = float("-inf")
    """When it was told last whether they have."""
    is_blind: bool = False
    """It has worked without a trace on the CPU here, as behind a tunnel: that tells nothing of it."""

    def may_rest(self, now: float) -> bool:
        """True when there is nothing to ask it until its processes use the CPU."""
        return self.is_idle and not self.is_blind and now - self.work_told_mono < WORK_TOLD_S


class LlamaReader:
    """Owned by the event loop's thread: `run` lives as long as somebody looks."""

    def __init__(
        self,
        patients: Mapping[str, Patient],
        asker: HttpAsker,
        prove_ours: Proof,
        clock: Clock,
        on_loads: Callable[[Loads], None],
    ) -> None:
        """`patients` is the prober's own table of runs; `on_loads` is told what changed, on the loop's thread."""
        self._patients = patients
        self._asker = asker
        self._prove_ours = prove_ours
        self._clock = clock
        self._on_loads = on_loads
        self._gauges: dict[str, _Gauge] = {}
        self._told: Loads = {}

    async def run(self) -> None:
        """Ask until cancelled; then nothing is known any more."""
        tasks: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                self._compare(tasks)
                self._tell()
                await asyncio.sleep(BUSY_PERIOD_S)
        finally:
            self._gauges = {}
            self._tell()
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    def _compare(self, tasks: dict[str, asyncio.Task[None]]) -> None:
        """Begin to follow what became ready, and leave what is gone."""
        for name, gauge in list(self._gauges.items()):
            if self._patients.get(name) is not gauge.patient:
                del self._gauges[name]
                tasks.pop(name).cancel()
        for name, patient in self._patients.items():
            if name not in self._gauges and _is_askable(patient):
                gauge = self._gauges[name] = _Gauge(patient)
                tasks[name] = asyncio.create_task(self._follow(gauge), name=f"numbers of {name}")

    def note_work(self, work: Mapping[str, bool]) -> None:
        """By instance: whether its processes have used the CPU since this was told last. On the loop's thread."""
        now = self._clock.monotonic()
        for name, has_worked in work.items():
            if (gauge := self._gauges.get(name)) is not None:
                gauge.work_told_mono = now
                if has_worked:
                    gauge.stirred.set()
                    gauge.is_blind = False

    def _tell(self) -> None:
        loads = {
            name: (gauge.patient.watch.run_id, gauge.load)
            for name, gauge in self._gauges.items()
            if gauge.load is not None
        }
        if loads != self._told:
            self._told = loads
            self._on_loads(loads)

    async def _follow(self, gauge: _Gauge) -> None:
        while True:
            began = self._clock.monotonic()
            was_stirred = gauge.stirred.is_set() or not gauge.may_rest(began)
            gauge.stirred.clear()
            try:
                if await self._prove_ours(gauge.patient):
                    await self._read(gauge)
                else:
                    gauge.load = None
            except Exception as error:  # noqa: BLE001 - the top of a watch: it must go on, and say what is wrong
                gauge.load = LlamaLoad(note=f"asking for live numbers failed: {error!r}")
            gauge.is_blind |= not was_stirred and not gauge.is_idle
            await asyncio.sleep(max(0.0, began + gauge.delay_s - self._clock.monotonic()))
            if gauge.may_rest(self._clock.monotonic()):
                with contextlib.suppress(TimeoutError):  # then it is asked all the same
                    await asyncio.wait_for(gauge.stirred.wait(), QUIET_PERIOD_S - gauge.delay_s)

    async def _read(self, gauge: _Gauge) -> None:
        """One look at one server."""
        if gauge.props is None or _may_sleep(gauge):
            gauge.props = await self._ask_props(gauge)
        if gauge.props is None:
            return
        counters = await self._ask_metrics(gauge) if gauge.has_metrics else None
        at = self._clock.monotonic()
        if _may_sleep(gauge):
            gauge.slots = None
        elif gauge.has_slots and not _is_resting(gauge, counters):
            gauge.slots = await self._ask_slots(gauge)
        before = gauge.tally
        look = Look(at, counters, gauge.slots)
        gauge.load, gauge.tally = weigh(look, gauge.props, before, _describe_gaps(gauge))
        gauge.is_idle = before is not None and not gauge.load.busy_slots and not gauge.load.tokens_per_s
        gauge.delay_s = IDLE_PERIOD_S if gauge.is_idle else BUSY_PERIOD_S

    async def _ask_props(self, gauge: _Gauge) -> Props | None:
        reply = await self._ask(gauge, "/props")
        props = parse_props(parse_json(reply)) if reply is not None and reply.status == OK else None
        if props is not None:
            return props
        gauge.load = None
        gauge.delay_s = BUSY_PERIOD_S
        if reply is None or reply.status == LOADING_STATUS:
            return None
        if reply.status == UNAUTHORIZED:
            gauge.load = LlamaLoad(note="no live numbers: the server refuses the configured API key")
        gauge.delay_s = FOREIGN_PERIOD_S
        return None

    async def _ask_metrics(self, gauge: _Gauge) -> Counters | None:
        reply = await self._ask(gauge, "/metrics")
        if reply is None:
            return None
        gauge.has_metrics = reply.status not in OFF
        return parse_metrics(reply.body.decode(errors="replace")) if reply.status == OK else None

    async def _ask_slots(self, gauge: _Gauge) -> tuple[SlotReading, ...] | None:
        reply = await self._ask(gauge, "/slots")
        if reply is None:
            return None
        gauge.has_slots = reply.status not in OFF
        return parse_slots(parse_json(reply)) if reply.status == OK else None

    async def _ask(self, gauge: _Gauge, path: str) -> Reply | None:
        """A whole answer, or None when there was none."""
        reply = await look_at(self._asker, gauge.patient.watch.target, path)
        return reply if isinstance(reply, Reply) else None


def _is_askable(patient: Patient) -> bool:
    target = patient.watch.target
    if target.port is None:
        return False
    return patient.verdict.was_healthy or target.kind is ProbeKind.NONE


def _may_sleep(gauge: _Gauge) -> bool:
    """True when asking for its slots could wake the server, or keep it awake."""
    return gauge.patient.watch.may_sleep or (gauge.props is not None and gauge.props.is_asleep)


def _is_resting(gauge: _Gauge, counters: Counters | None) -> bool:
    """True when the counters say that the slots look as they did at the last look."""
    if counters is None or gauge.tally is None or gauge.slots is None or not gauge.is_idle:
        return False
    return not counters.processing and counters.made_tokens == gauge.tally.made_tokens


def _describe_gaps(gauge: _Gauge) -> str:
    gaps = ([] if gauge.has_metrics else [METRICS_OFF]) + ([] if gauge.has_slots else [SLOTS_OFF])
    return "; ".join(gaps)
