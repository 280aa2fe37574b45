"""What checks say about instances: taken note of, told, kept in the history. Owned by the supervisor's thread."""

from __future__ import annotations

from engine.health.judge import Verdict, judge_alone
from engine.snapshots import EventType, Health, Level, MetaValue, State
from engine.supervision.kit import Kit
from engine.supervision.messages import HealthJudged
from engine.supervision.slot import Run, Slot

SAMPLE_PERIOD_S = 300.0
"""How often the history gets a row while nothing changes: a week of 50 instances is a hundred thousand rows."""
STRIP_LENGTH = 20


class Checkups:
    """Everything that follows from a verdict, but what is to be done."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def note(self, slot: Slot, message: HealthJudged) -> bool:
        """Take note of a verdict; True when it changes what is seen of the instance, or what is to be done."""
        run, verdict = slot.run, message.verdict
        if run is None or run.run_id != message.run_id or run.is_stopping:
            return False  # of a run that is on its way out, what was judged before is the reason to keep
        before = _picture(slot, run)
        old, was_ready, was_warming = slot.health, run.is_ready, run.verdict.is_warming
        slot.health, run.is_ready, run.verdict = verdict.health, verdict.was_healthy, verdict
        slot.health_detail = "" if verdict.health is Health.HEALTHY and not verdict.failures else verdict.detail
        if verdict.health is Health.HEALTHY and not verdict.failures:
            slot.last_health_ok_at = self._kit.clock.wall()
        is_change = old is not slot.health or (run.is_ready and not was_ready)
        if is_change:
            self._tell(slot, run, old, was_ready=was_ready)
            self._kit.remember(slot)
        if verdict.is_warming and not was_warming:
            self._kit.journal.tell(slot.name, EventType.WARMING, "answers; warming up", Level.INFO, run=run.run_id)
        self._note_answer(slot, message, is_change=is_change)
        return before != _picture(slot, run)

    def _tell(self, slot: Slot, run: Run, old: Health, *, was_ready: bool) -> None:
        tell = self._kit.journal.tell
        if slot.health is Health.UNHEALTHY:
            tell(slot.name, EventType.UNHEALTHY, f"unhealthy: {slot.health_detail}", Level.ERROR)
        elif slot.state is State.READY and not was_ready:
            took_s = self._kit.clock.monotonic() - run.started_mono
            meta: dict[str, MetaValue] = {"seconds": round(took_s, 3)}
            words = f"ready after {took_s:.1f} s"
            if run.verdict.first_token_s is not None:
                meta["first_token_s"] = round(run.verdict.first_token_s, 4)
                words += f", its first token after {format_short(run.verdict.first_token_s)}"
            tell(slot.name, EventType.READY, words, Level.INFO, **meta)
        elif slot.state is State.READY and old is Health.UNHEALTHY:
            tell(slot.name, EventType.RECOVERED, "answers again", Level.INFO)

    def _note_answer(self, slot: Slot, message: HealthJudged, *, is_change: bool) -> None:
        """Strip, flapping and history: what one answer adds."""
        result, verdict = message.result, message.verdict
        now_mono = self._kit.clock.monotonic()
        if result is not None:
            slot.checks.latency_s = result.latency_s
            self._note_alone(slot, judge_alone(result, verdict), now_mono)
        if is_change or (result is not None and now_mono - slot.checks.sampled_mono >= SAMPLE_PERIOD_S):
            slot.checks.sampled_mono = now_mono
            self._store(slot, verdict, None if result is None else result.latency_s * 1000)

    def _note_alone(self, slot: Slot, answered: Health, now_mono: float) -> None:
        checks = slot.checks
        strip = (*checks.strip, answered)[-STRIP_LENGTH:]
        checks.strip = checks.strip if strip == checks.strip else strip
        if checks.flaps.note(answered, now_mono):
            words = "flapping: its health comes and goes; the log, the load of the machine and `timeout` tell more"
            self._kit.journal.tell(slot.name, EventType.FLAPPING, words, Level.WARNING)
        checks.is_flapping = checks.flaps.is_flapping(now_mono)

    def _store(self, slot: Slot, verdict: Verdict, latency_ms: float | None) -> None:
        name, now, health, detail = slot.name, self._kit.clock.wall(), slot.health, verdict.detail
        self._kit.writer.submit(lambda store: store.add_health(name, now, health, latency_ms, detail))


def _picture(slot: Slot, run: Run) -> tuple[object, ...]:
    """All that a verdict may change of what is decided, and seen at once; a longer strip waits for the next reason."""
    return slot.health, slot.health_detail, slot.checks.is_flapping, run.verdict, run.is_ready


def format_short(seconds: float) -> str:
    """``340 ms``, ``2.1 s``."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
