"""Reading how a run ended: its last words, and what they and its exit record amount to."""

from __future__ import annotations

import re
from itertools import islice

from engine.config.redact import redact_argv
from engine.health.causes import find_cause
from engine.logs.reader import MergedLog
from engine.logs.rows import Row
from engine.paths import Home
from engine.reconciler import Intent
from engine.supervision.exit_records import ExitRecord
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
