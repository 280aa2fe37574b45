"""`logs`: an instance's log, from the files alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import engine
from engine.snapshots import LogLine, Stream
from llama_orch_tui import output
from llama_orch_tui.counts import EVERYTHING
from llama_orch_tui.follow_end import FollowEnd, die_by_ctrl_c

NEWEST_LINES = 100
"""How many lines are shown when nobody says how many, or since when."""


def show_logs(
    name: str,
    selection: engine.LogSelection,
    *,
    follows: bool = False,
    as_json: bool = False,
    as_raw: bool = False,
) -> int:
    """Print (and follow) a log.

    Raises:
        NoSuchInstanceError: neither the configuration nor the log folder knows the name.
        LogError: the system does not let us read it.
        UsageError: bytes and JSON at once.
    """
    if as_json and as_raw:
        raise engine.UsageError("--json, --raw: JSON holds text, no bytes; give one of them")
    folder = engine.find_log_folder(engine.find_home(os.environ), name, os.environ)
    if follows:
        with FollowEnd() as end:
            _print(folder, selection, end, as_json=as_json, as_raw=as_raw)
        return 0
    die_by_ctrl_c()
    is_empty = _print(folder, selection, None, as_json=as_json, as_raw=as_raw)
    if is_empty and not any(folder.glob("*.log*")):
        output.say_error(f"{name}: no log yet; it begins with the first line that the instance writes")
    return 0


def build_selection(stream: Stream, lines: int | None, since: str, grep: str, now: float) -> engine.LogSelection:
    """Which lines are meant, as they were typed; `now` is the wall clock.

    Raises:
        UsageError: the time or the pattern cannot be understood.
    """
    began = engine.parse_time(since, now) if since else None
    if lines is None and began is None:
        lines = NEWEST_LINES
    return engine.LogSelection(stream, began, None if lines == EVERYTHING else lines, _compile(grep))


def _print(folder: Path, selection: engine.LogSelection, end: FollowEnd | None, *, as_json: bool, as_raw: bool) -> bool:
    """Print what there is, and what comes until the end; True when there was nothing."""
    is_empty = True
    if as_raw:
        pieces = engine.iter_raw(folder, selection) if end is None else engine.follow_raw(folder, selection, end)
        for data in pieces:
            output.say_raw(data)
            is_empty = False
        return is_empty
    lines: Iterable[LogLine]
    lines = engine.iter_lines(folder, selection) if end is None else engine.follow(folder, selection, end)
    for line in lines:
        if as_json:
            output.say_json(output.log_line_to_json(line))
        else:
            output.say(output.format_log_line(line))
        is_empty = False
    return is_empty


def _compile(grep: str) -> re.Pattern[str] | None:
    if not grep:
        return None
    try:
        return re.compile(grep)
    except re.error as error:
        raise engine.UsageError(
            f"--grep {grep}: no regular expression: {error}; put a backslash before a sign that means itself"
        ) from error
