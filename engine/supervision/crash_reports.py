"""Crash reports: one file for each end that nobody asked for, with all there is to know about it at that moment."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import CrashReportError
from engine.loads import Usage
from engine.paths import Home
from engine.plural import format_count
from engine.process import system
from engine.process.records import Record, get_value, write_all
from engine.reconciler import Intent, RestartRule
from engine.snapshots import CrashText, Event
from engine.supervision.exit_records import ExitRecord
from engine.supervision.slot import LastEnd
from engine.supervision.why import describe_exit
from engine.telemetry.curve import MemoryPoint
from engine.times import format_time

KEPT_REPORTS = 20
"""Of one instance; the oldest go first."""
KEPT_BYTES = 2_000_000
"""Of one instance, all reports together."""
REPORT_LINES = 200
REPORT_EVENTS = 20
BAR_CELLS = 40

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class CrashReport:
    """All that a report tells."""

    name: str
    record: ExitRecord
    last: LastEnd
    """Not changed any more once it is in a report."""
    run: Record
    """The run record: command line (redacted), program, address; empty when it was lost."""
    words: tuple[str, ...]
    """The end of its log."""
    events: tuple[Event, ...]
    """What was told of this instance before, oldest first."""
    usage: Usage | None = None
    """The last one measured."""
    memory: tuple[MemoryPoint, ...] = ()
    """How its memory went, oldest first."""
    restarts: int = 0
    failures: int = 0


def is_crash(record: ExitRecord, rule: RestartRule) -> bool:
    """Whether an end that the operator did not ask for deserves a report.

    A shutdown does not, nor the end of a demo, nor that of a program which may end well.
    """
    if record.intent in (Intent.SIGNAL, Intent.TETHER):
        return False
    return record.code != 0 or record.intent is not Intent.NONE or rule is not RestartRule.ON_FAILURE


def find_report_path(home: Home, name: str, record: ExitRecord) -> Path:
    """Where the report of an end lies: named by its time in UTC, so that names sort by age."""
    when = datetime.fromtimestamp(record.ended_at, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return home.instance_crashes(name) / f"{when}-{record.run_id}.txt"


def find_newest_report(home: Home, name: str) -> Path | None:
    """The newest report of an instance; None when there is none, or the folder cannot be read."""
    try:
        return max(home.instance_crashes(name).glob("*.txt"), default=None)
    except OSError:
        return None


def read_newest_report(home: Home, name: str) -> CrashText | None:
    """The newest report of an instance, as text; None when there is none.

    Raises:
        CrashReportError: there is one, and it cannot be read.
    """
    path = find_newest_report(home, name)
    if path is None:
        return None
    try:
        return CrashText(str(path), tuple(path.read_text(encoding="utf-8", errors="replace").splitlines()))
    except OSError as error:
        raise CrashReportError(f"{path}: {error.strerror or error}; see who owns it, then try again") from error


def write_report(home: Home, report: CrashReport) -> Path:
    """Write a report (mode 0600, in a folder of 0700) and remove the oldest ones beyond the bound; its path.

    Raises:
        OSError: the folder cannot be made or the disk is full; nothing half-written is left.
    """
    path = find_report_path(home, report.name, report.record)
    system.make_private_dir(str(path.parent.parent))
    system.make_private_dir(str(path.parent))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        write_all(handle, format_report(report).encode("utf-8", "replace"))
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    _remove_oldest(path.parent)
    return path


def _remove_oldest(folder: Path) -> None:
    """Keep within the bound. Two workers may do it at once: what is gone is gone."""
    left_bytes = KEPT_BYTES
    for number, path in enumerate(sorted(folder.glob("*.txt"), reverse=True)):
        with contextlib.suppress(FileNotFoundError):
            left_bytes -= path.stat().st_size
            if number and (number >= KEPT_REPORTS or left_bytes < 0):
                path.unlink()


def format_report(report: CrashReport) -> str:
    """The text of a report."""
    lines = report.words[-REPORT_LINES:]
    sections = (
        (f"Crash report of {report.name}", [f"{key:<14}{value}" for key, value in _describe_end(report)]),
        ("The run", [f"{key:<14}{value}" for key, value in _describe_run(report)]),
        ("The events before it", [_format_event(event) for event in report.events] or ["none"]),
        ("Its memory", _draw_memory(report.memory)),
        (f"The end of its log ({format_count(len(lines), 'line')})", list(lines) or ["it wrote nothing"]),
    )
    return "\n".join(f"{title}\n{'=' * len(title)}\n" + "\n".join(rows) + "\n" for title, rows in sections)


def _describe_end(report: CrashReport) -> list[tuple[str, str]]:
    last, record = report.last, report.record
    rows = [
        ("when", format_time(record.ended_at)),
        ("exit", describe_exit(last.code, last.signal) or "no record of how"),
        ("asked by", last.intent.value or "nobody"),
        ("what", last.cause.message if last.cause else last.error),
    ]
    if last.cause:
        rows += [
            ("cause", last.cause.kind.value),
            ("do", last.cause.hint),
            ("again", "the next try would end the same way" if last.cause.is_permanent else "it may go well next time"),
        ]
    return [*rows, *([("line", last.cause.line)] if last.cause and last.cause.line else [])]


def _describe_run(report: CrashReport) -> list[tuple[str, str]]:
    record, run, usage = report.record, report.run, report.usage
    memory_bytes, cpu_percent = (usage.memory_bytes, usage.cpu_percent) if usage else (None, None)
    host, port = get_value(run, "host"), get_value(run, "port")
    ends = format_count(report.failures, "end")
    return [
        ("run", record.run_id),
        ("command", get_value(run, "shown") or "unknown"),
        ("program", get_value(run, "binary") or "unknown"),
        ("version", get_value(run, "binary_version") or "unknown"),
        ("PID", get_value(run, "pid") or "unknown"),
        ("address", f"{host}:{port}" if port else "no port"),
        ("started", format_time(record.started_at)),
        ("lived", f"{max(0.0, record.ended_at - record.started_at):.3f} s"),
        ("restarts", f"{report.restarts} since it was last asked for, {ends} in a row before this one"),
        ("memory", f"{_say_mib(memory_bytes)} when last measured, {_say_mib(record.peak_bytes)} at most"),
        (
            "processor",
            f"{_say(cpu_percent, ' %')} when last measured, {_say(record.cpu_s, ' s')} in all",
        ),
    ]


def _draw_memory(points: tuple[MemoryPoint, ...]) -> list[str]:
    """One row for each measurement: how old the run was, what its tree held, and a bar."""
    if not points:
        return ["it ended before it was measured"]
    most = max(point.memory_bytes for point in points) or 1
    bars = ["█" * round(BAR_CELLS * point.memory_bytes / most) for point in points]
    return [
        f"{point.age_s:>10.1f} s  {_say_mib(point.memory_bytes):>12}  {bar}"
        for point, bar in zip(points, bars, strict=True)
    ]


def _format_event(event: Event) -> str:
    return f"{format_time(event.ts)}  {event.type:<12}  {event.message}"


def _say_mib(size_bytes: int | None) -> str:
    return "unknown" if size_bytes is None else f"{size_bytes / _MIB:.1f} MiB"


def _say(value: float | None, unit: str) -> str:
    return "unknown" if value is None else f"{value:.2f}{unit}"
