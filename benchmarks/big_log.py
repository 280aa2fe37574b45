"""A log of 1 GB: how soon its end is seen, how fast it is searched, and what memory that takes.

The log is made by the keeper's own writer, with its index, in a temporary folder, and read from the page cache through
the dashboard's own log view. Beside it, in the same run: tail, less, lnav and toolong opening it, grep searching it.
The first argument is another size in megabytes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

assert sys.platform != "win32"  # tells the type checker which half of the world this is

from benchmarks.ruler import find_peer, print_ratio, read_private_mb, terminal, wait_for_words, wait_until  # noqa: E402 - after the type checker was told
from engine.log_asking import LogPattern, LogWindow  # noqa: E402 - likewise
from engine.logs.view import FileLogView, LogViews  # noqa: E402 - likewise
from engine.logs.writer import RotatingWriter  # noqa: E402 - likewise

SIZE_MB = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
SCREEN_LINES = 50
OPENINGS = 11
LIMIT_OPEN_MS = 100.0
LIMIT_TEXT_MB_S = 200.0
LIMIT_EXPRESSION_MB_S = 100.0
LIMIT_GROWTH_MB = 20.0
LAST_LINE = "the very last line of the log"
BLOCK_LINES = 500
WORDS = ("prompt eval time", "slot update_slots: id  3", "srv  log_server_r: request: POST /v1/chat", "print_timing:")
SEARCHES = (
    ("text, case counts", LogPattern("Needle of TEXT"), ["-cF", "Needle of TEXT"]),
    ("text, any case", LogPattern("needle of text"), ["-ciF", "needle of text"]),
    ("expression with a word in it", LogPattern(r"Needle \w+ T\S+", is_regex=True), ["-cE", r"Needle \w+ T\S+"]),
    (
        "expression with a letter in it",
        LogPattern(r"[A-Z]\w{5} \d{7}X", is_regex=True),
        ["-cE", r"[A-Z]\w{5} [0-9]{7}X"],
    ),
    (
        "expression of classes alone",
        LogPattern(r"[A-Z]\w{5} \d{7}[X-Z]", is_regex=True),
        ["-cE", r"[A-Z]\w{5} [0-9]{7}[X-Z]"],
    ),
)


def main() -> None:
    """Make, open, search, print."""
    with tempfile.TemporaryDirectory(prefix="lorch-bench-") as folder:
        path = make_log(Path(folder))
        path.read_bytes()  # into the page cache; the copy is dropped at once
        print(f"{path.stat().st_size / 1e6:.0f} MB of log, from the page cache")
        _measure_opening(path)
        _measure_searches(path)


def make_log(folder: Path) -> Path:
    """A log as a keeper leaves it: never rotated, indexed, with a needle every 64,000 lines or so."""
    size = SIZE_MB * 1_000_000
    writer = RotatingWriter(str(folder), "stderr", 2 * size, 1)
    number = written = 0
    while written < size:
        lines = [
            f"{number + at:08d} I {WORDS[at % len(WORDS)]} | task {(number + at) * 7 % 9973} | n_tokens = {at * 31}\n"
            for at in range(BLOCK_LINES)
        ]
        number += BLOCK_LINES
        if number % (128 * BLOCK_LINES) == 0:
            lines[7] = f"{number:08d} W Needle of TEXT, Needle {number:07d}X\n"
        block = "".join(lines).encode()
        writer.feed(block)
        written += len(block)
    writer.feed(f"{LAST_LINE}\n".encode())
    writer.close()
    return folder / "stderr.log"


def _measure_opening(path: Path) -> None:
    print("\nfrom opening to its last lines")
    times = sorted(_open_once(path) for _ in range(OPENINGS))
    print_ratio("log view", times[OPENINGS // 2], "ms", LIMIT_OPEN_MS)
    began = time.perf_counter()
    subprocess.run(
        [shutil.which("tail") or "tail", "-n", str(SCREEN_LINES), path], stdout=subprocess.DEVNULL, check=True
    )
    print_ratio("tail", (time.perf_counter() - began) * 1000, "ms")
    for name, arguments in (("less", ["-n", "+G"]), ("lnav", ["-N"]), ("tl", [])):
        if (program := find_peer(name)) is not None:
            _open_in_terminal(name, [program, *arguments, str(path)])


def _open_once(path: Path) -> float:
    views = LogViews()
    began = time.perf_counter()
    view = views.open("big", path.parent)
    view.resize(SCREEN_LINES)
    _wait(view, lambda window: bool(window.lines) and window.lines[-1].text == LAST_LINE)
    took = (time.perf_counter() - began) * 1000
    views.close()
    return took


def _open_in_terminal(name: str, command: list[str]) -> None:
    began = time.perf_counter()
    with terminal(command, {}) as (_pid, screen):
        try:
            wait_for_words(screen, LAST_LINE.encode(), 120.0)
        except AssertionError:
            print(f"{name:<38} its last line did not come in 120 s", flush=True)
        else:
            print_ratio(name, (time.perf_counter() - began) * 1000, "ms")


def _measure_searches(path: Path) -> None:
    print("\nall matches of the whole log counted")
    size_mb = path.stat().st_size / 1e6
    views = LogViews()
    view = views.open("big", path.parent)
    view.resize(SCREEN_LINES)
    _wait(view, lambda window: bool(window.lines))
    before_mb = read_private_mb(os.getpid())
    for name, pattern, grep in SEARCHES:
        began = time.perf_counter()
        view.set_search(pattern)
        _wait(view, partial(_is_counted, pattern))
        rate = size_mb / (time.perf_counter() - began)
        limit = LIMIT_EXPRESSION_MB_S if pattern.is_regex else LIMIT_TEXT_MB_S
        print_ratio(f"{name}, log view", rate, "MB/s", limit, is_floor=True)
        search = view.window().search
        found = search.hits if search else 0
        began = time.perf_counter()
        counted = subprocess.run(
            [shutil.which("grep") or "grep", *grep, path],
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            stdout=subprocess.PIPE,
            check=False,
        )
        print_ratio(f"{name}, grep {grep[0]}", size_mb / (time.perf_counter() - began), "MB/s")
        assert found == int(counted.stdout), f"{name}: {found} hits, grep counts {counted.stdout!r}"
    _measure_scrolling(view)
    print_ratio(
        "memory grown by opening and searching", read_private_mb(os.getpid()) - before_mb, "MB", LIMIT_GROWTH_MB
    )
    views.close()


def _measure_scrolling(view: FileLogView) -> None:
    began = time.perf_counter()
    view.to_start()
    _wait(view, lambda window: bool(window.lines) and re.match("0{8} ", window.lines[0].text) is not None)
    print_ratio("to its start", (time.perf_counter() - began) * 1000, "ms")
    for _ in range(100):
        view.scroll(SCREEN_LINES * 100)
        time.sleep(0.01)
    began = time.perf_counter()
    view.to_end()
    _wait(view, lambda window: bool(window.lines) and window.lines[-1].text == LAST_LINE)
    print_ratio("back to its end", (time.perf_counter() - began) * 1000, "ms")


def _is_counted(pattern: LogPattern, window: LogWindow) -> bool:
    return window.search is not None and window.search.pattern == pattern and window.search.counted >= 1.0


def _wait(view: FileLogView, condition: Callable[[LogWindow], bool]) -> None:
    wait_until(lambda: condition(view.window()), "the log view shows it", 120.0, 0.002)


if __name__ == "__main__":
    main()
