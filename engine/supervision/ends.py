"""Reading how a run ended: exit record, last words, and what they amount to."""

from __future__ import annotations

from dataclasses import dataclass

from engine.logs.reader import read_tail
from engine.paths import Home
from engine.process.records import get_value, read_record
from engine.reconciler import Intent
from engine.snapshots import Stream

LAST_LINES = 8
"""Lines of the log kept with the event."""


@dataclass(frozen=True, slots=True)
class ExitRecord:
    """What a keeper wrote when its run had ended."""

    run_id: str
    code: int | None
    signal: int | None
    intent: Intent
    started_at: float
    ended_at: float


def read_exit_record(home: Home, name: str) -> ExitRecord | None:
    """The newest exit record of an instance, or None."""
    record = read_record(str(home.exit_record(name)))
    run_id = get_value(record, "run")
    if not run_id:
        return None
    code, signal = get_value(record, "code"), get_value(record, "signal")
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
    )


def read_last_lines(home: Home, name: str) -> tuple[str, ...]:
    """The last words of an instance, as they may be printed."""
    try:
        lines = read_tail(home.instance_logs(name), LAST_LINES, Stream.BOTH)
    except OSError:
        return ()
    return tuple(line.text for line in lines if line.text.strip())
