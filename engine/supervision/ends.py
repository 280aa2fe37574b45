"""Reading how a run ended: exit record, last words, and what they amount to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from engine.config.redact import redact_argv
from engine.health.causes import find_cause
from engine.logs.reader import MergedLog
from engine.logs.rows import Row
from engine.paths import Home
from engine.process.records import Record, get_value, get_values, is_spoken, read_record
from engine.reconciler import Intent
from engine.supervision.slot import LastEnd
from engine.supervision.why import describe_exit

LAST_LINES = 8
"""Lines of the log kept with the event."""
LAST_LINE_CHARS = 500
"""Of each of these."""
WORDS_LINES = 400
"""Lines searched for the cause."""
WORDS_BYTES = 64 * 1024

_MAY_HOLD_SECRET = re.compile(r"(?<!\S)(?:-[^\s=]+|[A-Z_][A-Z0-9_]*)=\S+")
"""A flag or a variable with its value, as servers repeat them when they do not like them."""

_BY_INTENT: dict[Intent, str] = {
    Intent.UNHEALTHY: "ended because it was unhealthy",
    Intent.SIGNAL: "ended because the system told its keeper to end",
    Intent.TETHER: "ended with its leader",
    Intent.ORPHAN: "its keeper was killed, or the machine went down",
}
"""Ends whose log and exit code tell nothing: they are the effect, not the cause."""


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


def read_last_words(home: Home, name: str, since: float) -> tuple[str, ...]:
    """The end of what an instance wrote since the moment `since`, as it may be printed, without secrets.

    Oldest first, at most `WORDS_LINES` lines and about `WORDS_BYTES` of them; empty when the log cannot be read.
    """
    rows: list[Row] = []
    size_bytes = 0
    try:
        with MergedLog(home.instance_logs(name)) as log:
            for row in islice(log.backward(log.last(), log.since(since)), WORDS_LINES):
                size_bytes += len(row.raw)
                if size_bytes > WORDS_BYTES and rows:
                    break
                rows.append(row)
            lines = log.to_lines(rows[::-1])
    except OSError:
        return ()
    return tuple(hide_secrets(line.text) for line in lines if line.text.strip())


def hide_secrets(line: str) -> str:
    """A line with the values of secret flags and variables hidden."""
    return _MAY_HOLD_SECRET.sub(lambda found: redact_argv((found[0],))[0], line)


def judge_end(record: ExitRecord, words: tuple[str, ...], health_detail: str) -> LastEnd:
    """What an end that the operator did not ask for amounts to; `words` are the run's last ones."""
    lines = tuple(line[:LAST_LINE_CHARS] for line in words[-LAST_LINES:])
    last = LastEnd(record.run_id, record.code, record.signal, intent=record.intent, lines=lines)
    if record.intent in _BY_INTENT:
        detail = health_detail if record.intent is Intent.UNHEALTHY else ""
        last.error = _join(_BY_INTENT[record.intent], detail)
        return last
    last.cause = find_cause(words, record.code, record.signal)
    how = describe_exit(record.code, record.signal)
    last.error = last.cause.sentence if last.cause else _join(how, _find_error(lines))
    return last


def _join(*parts: str) -> str:
    return ": ".join(part for part in parts if part)


def _find_error(lines: tuple[str, ...]) -> str:
    """The line that says most: the first that llama.cpp marks as an error, else the last."""
    errors = [line for line in lines if " E " in line or line.lower().startswith(("error", "fatal"))]
    return (errors[0] if errors else lines[-1] if lines else "").strip()
