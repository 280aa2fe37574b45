"""stdout is data, stderr is talk: the one module that writes either."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest

from engine.errors import ExitCode
from engine.logs.clean import make_visible
from engine.snapshots import Event, InstanceSnapshot, LeaderInfo, Level, LogLine, Snapshot, State
from engine.times import format_time

GAP = "  "
_COLOURS = {
    State.READY: "32",
    State.LOADING: "36",
    State.WARMING: "36",
    State.STARTING: "36",
    State.STOPPING: "33",
    State.WAITING: "33",
    State.BACKOFF: "33",
    State.UNHEALTHY: "31",
    State.FAILED: "31",
}
_COLOUR_CODE = re.compile(r"(\x1b\[(?:[0-2]|3[1-6])m)")
"""What `paint` writes."""
_UNSAFE_IN_JSON = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal would obey and JSON may leave as it is."""
_LEVEL_COLOURS = {Level.WARNING: "33", Level.ERROR: "31"}


def say(text: str) -> None:
    """A line of data.

    Raises:
        SystemExit: whoever reads us has gone (`| head`), with code 0; or the output cannot be written, with 1.
    """
    with _ending_without_reader():
        sys.stdout.write(_show(text, is_painted=_is_painting()) + "\n")


def say_raw(data: bytes) -> None:
    """Bytes of data, as they are.

    Raises:
        SystemExit: as `say`.
    """
    with _ending_without_reader():
        sys.stdout.buffer.write(data)


def say_error(text: str) -> None:
    """Words for a person, one message."""
    sys.stderr.write(f"{_show(text)}\n")


def say_json(value: object) -> None:
    """One JSON document on one line."""
    say(_UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False)))


def paint(text: str, colour: str | None) -> str:
    """Coloured on a terminal, unless NO_COLOR or a dumb terminal says otherwise."""
    return text if colour is None or not _is_painting() else f"\x1b[{colour}m{text}\x1b[0m"


def _is_painting() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _show(text: str, *, is_painted: bool = False) -> str:
    """Names, models, arguments and errors are anybody's words: nothing in them but our own colours is obeyed."""
    if text.isprintable():
        return text
    parts = _COLOUR_CODE.split(text) if is_painted else [text]
    lines = ("\n".join(map(make_visible, part.split("\n"))) for part in parts[::2])
    return "".join(chain.from_iterable(zip_longest(lines, parts[1::2], fillvalue="")))


def format_bytes(count: int | None) -> str:
    """``1.4G``; ``-`` for None."""
    if count is None:
        return "-"
    size = float(count)
    for unit in ("B", "K", "M", "G"):
        if size < 1024 or unit == "G":
            return f"{size:.0f}{unit}" if unit == "B" or size >= 100 else f"{size:.1f}{unit}"
        size /= 1024
    raise AssertionError(count)


def format_duration(seconds: float | None) -> str:
    """``2d03h``, ``5h07m``, ``3m20s``, ``12s``; ``-`` for None."""
    if seconds is None:
        return "-"
    whole = int(seconds)
    minutes, seconds_left = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    if days:
        return f"{days}d{hours_left:02}h"
    if hours:
        return f"{hours}h{minutes_left:02}m"
    return f"{minutes}m{seconds_left:02}s" if minutes else f"{whole}s"


def format_ps(snapshot: Snapshot) -> Iterable[str]:
    """The lines of `ps` for a person."""
    head = ("NAME", "STATE", "PORT", "PID", "UPTIME", "CPU", "MEM", "RESTARTS", "MODEL", "WHY")
    rows = [_ps_row(one) for one in snapshot.instances]
    limit = shutil.get_terminal_size((0, 0)).columns if sys.stdout.isatty() else 0
    lines = (_cut(line, limit) for line in align([head, *rows]))
    yield next(lines)
    start = max(len(row[0]) for row in (head, *rows)) + len(GAP)  # a name is ASCII
    for one, line in zip(snapshot.instances, lines, strict=True):
        end = start + len(one.state.value)
        yield line[:start] + paint(line[start:end], _COLOURS.get(one.state)) + line[end:]


def align(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Rows of cells as lines, the columns below each other."""
    widths = [max(_cells(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        padded = [cell + " " * (width - _cells(cell)) for cell, width in zip(row[:-1], widths, strict=True)]
        yield GAP.join([*padded, row[-1]]).rstrip()


def _cells(text: str) -> int:
    """How many cells of a terminal it takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - most words are ASCII

    return cell_len(text)


def _cut(line: str, limit: int) -> str:
    """`line` in at most `limit` cells; 0 is any number."""
    if not limit or _cells(line) <= limit:
        return line
    from widgets.text import fit  # noqa: PLC0415 - most lines are short

    return fit(line, limit)


def _ps_row(one: InstanceSnapshot) -> tuple[str, ...]:
    cpu = "-" if one.cpu_percent is None else f"{one.cpu_percent:.0f}%"
    return (
        one.name,
        one.state.value,
        str(one.port or "-"),
        str(one.pid or "-"),
        format_duration(one.uptime_s),
        cpu,
        format_bytes(one.memory_bytes),
        str(one.restarts),
        make_visible(one.model) or "-",
        make_visible(one.why.splitlines()[0]) if one.why else "",
    )


def ps_to_json(snapshot: Snapshot) -> dict[str, object]:
    """The object of `ps --json`."""
    leader = snapshot.leader
    return {
        "leader": None if leader is None else leader_to_json(leader),
        "instances": [_instance_to_json(one) for one in snapshot.instances],
    }


def leader_to_json(leader: LeaderInfo) -> dict[str, object]:
    """Who leads, as `ps --json` and `daemon status --json` tell it."""
    return {
        "pid": leader.pid,
        "kind": leader.kind.value,
        "since": format_time(leader.since),
        "version": leader.version,
    }


def _instance_to_json(one: InstanceSnapshot) -> dict[str, object]:
    return {
        "name": one.name,
        "desired": one.desired.value,
        "status": one.status.value,
        "health": one.health.value,
        "state": one.state.value,
        "pid": one.pid,
        "keeper_pid": one.keeper_pid,
        "host": one.host,
        "port": one.port,
        "started_at": None if one.started_at is None else format_time(one.started_at),
        "uptime_s": None if one.uptime_s is None else round(one.uptime_s, 3),
        "restarts": one.restarts,
        "last_exit_code": one.last_exit_code,
        "last_error": one.last_error,
        "cpu_percent": one.cpu_percent,
        "memory_bytes": one.memory_bytes,
        "model": one.model,
        "tags": list(one.tags),
        "why": one.why,
    }


def format_event(event: Event) -> str:
    """One event for a person."""
    level = paint(f"{event.level.value:<7}", _LEVEL_COLOURS.get(event.level))
    message = make_visible(event.message)
    return f"{format_time(event.ts)}  {level}  {event.instance or '-':<16}  {event.type:<12}  {message}"


def event_to_json(event: Event) -> dict[str, object]:
    """The object of `events --json`."""
    meta: Mapping[str, object] = dict(event.meta)
    return {
        "id": event.id,
        "ts": format_time(event.ts),
        "instance": event.instance,
        "level": event.level.value,
        "type": str(event.type),
        "message": event.message,
        "meta": meta,
    }


def format_log_line(line: LogLine) -> str:
    """One log line for a person."""
    return paint(line.text, "33") if line.is_gap else line.text


def log_line_to_json(line: LogLine) -> dict[str, object]:
    """The object of `logs --json`."""
    ts = None if line.ts is None else format_time(line.ts)
    shown: dict[str, object] = {"ts": ts, "stream": line.stream.value, "line": line.text}
    if line.is_gap:
        shown["gap"] = True
    return shown


def flush() -> None:
    """Have what was said read now: somebody watches.

    Raises:
        SystemExit: as `say`.
    """
    with _ending_without_reader():
        sys.stdout.flush()


def finish() -> None:
    """Have everything read at the end of the program; a reader that has gone changes nothing about its exit code.

    Raises:
        SystemExit: the output cannot be written, for one because the disk is full.
    """
    try:
        flush()
    except SystemExit as end:
        if end.code:
            raise


@contextlib.contextmanager
def _ending_without_reader() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())  # where what is left in the buffer goes
        os.close(nothing)
        if isinstance(error, BrokenPipeError):
            raise SystemExit(int(ExitCode.OK)) from None
        say_error(f"the output cannot be written: {error.strerror or error}; send it somewhere else")
        raise SystemExit(int(ExitCode.GENERAL)) from None
