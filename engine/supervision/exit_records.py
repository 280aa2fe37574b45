"""What keepers wrote down of their runs: how one began, how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from engine.paths import Home
from engine.process.records import Record, get_value, get_values, is_spoken, read_record
from engine.reconciler import Intent


@dataclass(frozen=True, slots=True)
class ExitRecord:
    """What a keeper wrote when its run had ended."""

    run_id: str
    code: int | None
    signal: int | None
    intent: Intent
    started_at: float
    ended_at: float
    cpu_s: float | None = None
    """Processor time over its whole life."""
    peak_bytes: int | None = None
    """The most resident memory it had; of the server's own process, not of its children."""
    gaps: tuple[str, ...] = ()
    """What was lost of its log and nobody was there to be told, in words."""


def read_exit_record(home: Home, name: str) -> ExitRecord | None:
    """The newest exit record of an instance; None when there is none, or one that is not understood."""
    record = read_record(str(home.exit_record(name)))
    run_id = get_value(record, "run")
    if not run_id or not is_spoken(record):
        return None
    code, signal = get_value(record, "code"), get_value(record, "signal")
    user, system = get_value(record, "user_s"), get_value(record, "system_s")
    peak = get_value(record, "max_rss_bytes")
    try:
        intent = Intent(get_value(record, "intent"))
    except ValueError:
        intent = Intent.NONE  # a word of a later version
    return ExitRecord(
        run_id,
        int(code) if code else None,
        int(signal) if signal else None,
        intent,
        float(get_value(record, "started_at", "0")),
        float(get_value(record, "ended_at", "0")),
        float(user) + float(system) if user and system else None,
        int(peak) if peak else None,
        tuple(get_values(record, "gap")),
    )


def read_run_record(home: Home, name: str, run_id: str) -> Record:
    """The run record of this run; empty when it is gone, unreadable, or another run's."""
    try:
        record = read_record(str(home.run_record(name)))
    except OSError:
        return []
    return record if get_value(record, "run") == run_id else []
