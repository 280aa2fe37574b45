"""One sentence for each instance: why it is in the state it is in. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from engine.health.causes import name_signal
from engine.snapshots import Desired, Health, InstanceSnapshot, State


class Reasons(Protocol):
    """What the sentence needs beside the snapshot."""

    failures: int
    health_detail: str
    waits_for: tuple[str, ...]

    @property
    def health_note(self) -> str:
        """What an operator should know of a server that answers."""
        ...

    @property
    def max_retries(self) -> int:
        """How many restarts in a row its policy allows."""
        ...


def explain(seen: InstanceSnapshot, reasons: Reasons, now: float) -> InstanceSnapshot:
    """The snapshot with its ``why``, as of `now` (wall clock)."""
    sentence = _describe_state(seen, reasons, now)
    if seen.config_error and seen.state is not State.FAILED:
        sentence = f"configuration: {seen.config_error}"
    elif seen.needs_restart:
        sentence = f"{sentence}; restart to take up the changed configuration"
    return replace(seen, why=sentence)


def _describe_state(seen: InstanceSnapshot, reasons: Reasons, now: float) -> str:
    match seen.state:
        case State.STOPPED:
            return seen.last_error or _describe_rest(seen)
        case State.STARTING:
            return "being executed"
        case State.WAITING:
            return f"waiting for {', '.join(reasons.waits_for)}"
        case State.LOADING:
            return _describe_loading(seen, reasons)
        case State.WARMING:
            failed = f"; the last try failed: {reasons.health_detail}" if reasons.health_detail else ""
            return f"answers; warming up with a first token{failed}"
        case State.READY:
            return _describe_ready(seen, reasons)
        case State.UNHEALTHY:
            return reasons.health_detail or "fails its health checks"
        case State.STOPPING:
            return _describe_stopping(seen)
        case State.BACKOFF:
            left_s = max(0.0, (seen.retry_at or now) - now)
            last = seen.last_error or describe_end(seen)
            return f"waiting {left_s:.0f} s to retry {reasons.failures} of {reasons.max_retries}: {last}"
        case State.FAILED:
            return seen.last_error or describe_end(seen)


def _describe_rest(seen: InstanceSnapshot) -> str:
    how = describe_exit(seen.last_exit_code, seen.last_exit_signal)
    return f"not running; its last run: {how}" if how else "not started yet"


def _describe_stopping(seen: InstanceSnapshot) -> str:
    if seen.desired is Desired.STOPPED:
        return "asked to end"
    return "asked to end, to be started again" if seen.run_id else f"{describe_end(seen)}: finding out why"


def _describe_loading(seen: InstanceSnapshot, reasons: Reasons) -> str:
    if seen.progress is None:
        return f"loading the model{reasons.health_detail and ': ' + reasons.health_detail}"
    failing = "" if seen.health_strip[-1:] != (Health.UNHEALTHY,) else f"; {reasons.health_detail}"
    return f"loading the model: {seen.progress * 100:.0f} %{failing}"


def explain_waits(
    instances: tuple[InstanceSnapshot, ...], waits: Mapping[str, tuple[str, ...]]
) -> tuple[InstanceSnapshot, ...]:
    """The snapshots, those that wait with what keeps each one that they wait for; `waits` holds names by name."""
    if not any(waits.values()):
        return instances
    by_name = {one.name: one for one in instances}
    return tuple(
        replace(one, why=_describe_wait([by_name.get(name, InstanceSnapshot(name)) for name in waits[one.name]]))
        if one.state is State.WAITING and not one.config_error and waits.get(one.name)
        else one
        for one in instances
    )


def _describe_wait(needed: Sequence[InstanceSnapshot]) -> str:
    return "; ".join(f"waiting for {one.name}: {one.state.value}{one.why and ', ' + one.why}" for one in needed)


def _describe_ready(seen: InstanceSnapshot, reasons: Reasons) -> str:
    if seen.health is Health.UNKNOWN:
        return "runs; its health is not checked"
    if reasons.health_detail:
        return f"answered before; now: {reasons.health_detail}"
    note = f"; {reasons.health_note}" if reasons.health_note else ""
    if seen.restarts:
        return f"answers; restarted {seen.restarts} time{'s' * (seen.restarts > 1)}, last: {describe_end(seen)}{note}"
    return f"answers{note}"


def describe_end(seen: InstanceSnapshot) -> str:
    """How the last run ended, in words."""
    return describe_exit(seen.last_exit_code, seen.last_exit_signal) or seen.last_error or "ended"


def describe_exit(code: int | None, signal: int | None) -> str:
    """An exit in words: ``exit code 1``, ``killed by SIGKILL``; empty when neither is known."""
    if signal is not None:
        return f"killed by {name_signal(signal)}"
    return "" if code is None else f"exit code {code}"
