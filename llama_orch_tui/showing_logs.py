"""`logs`: an instance's log, from the files alone."""

from __future__ import annotations

import os
import re
import signal
import threading
import time

import engine
from engine.snapshots import LogLine, Stream
from llama_orch_tui import output


def show_logs(name: str, lines: int, stream: Stream, since: str, grep: str, *, follows: bool, as_json: bool) -> int:
    """Print (and follow) a log.

    Raises:
        NoSuchInstanceError: neither the configuration nor the log folder knows the name.
        UsageError: the time or the pattern cannot be understood.
    """
    home = engine.find_home(os.environ)
    folder = home.instance_logs(name)
    loaded = engine.load_config(home.config_file, os.environ)
    if name not in loaded.config.instances and name not in loaded.frozen and not folder.is_dir():
        raise engine.NoSuchInstanceError(name)
    began = engine.parse_time(since, time.time()) if since else None
    pattern = _compile(grep)

    def show(line: LogLine) -> None:
        if follows and pattern is not None and not line.is_gap and not pattern.search(line.text):
            return
        if as_json:
            output.say_json(output.log_line_to_json(line))
        else:
            output.say(output.format_log_line(line))

    if follows:
        stop = threading.Event()
        signal.signal(signal.SIGINT, lambda *_: stop.set())
        for line in engine.follow(folder, stream, stop, lines, began):
            show(line)
            output.flush()
        return 0
    for line in engine.iter_lines(folder, stream, began, None if began is not None else lines, pattern):
        show(line)
    return 0


def _compile(grep: str) -> re.Pattern[str] | None:
    if not grep:
        return None
    try:
        return re.compile(grep)
    except re.error as error:
        raise engine.UsageError(f"--grep {grep}: {error}") from error
