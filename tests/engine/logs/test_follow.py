from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from engine.logs.follow import follow
from engine.snapshots import LogLine, Stream
from tests.engine.logs.support import Clock, make_writer, wait_until


def follow_in_thread(folder: Path, lines: int = 10) -> tuple[list[LogLine], Callable[[], None]]:
    """The list that followed lines are put in, and what ends it."""
    seen: list[LogLine] = []
    stop = threading.Event()
    thread = threading.Thread(target=_collect, args=(folder, lines, stop, seen), name="follower")
    thread.start()

    def end() -> None:
        stop.set()
        thread.join()

    return seen, end


def _collect(folder: Path, lines: int, stop: threading.Event, seen: list[LogLine]) -> None:
    for line in follow(folder, Stream.STDOUT, stop, lines):
        seen.append(line)  # noqa: PERF402 - one by one, as they come


def test_every_line_is_seen_once_through_rotations(tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=2000, backups=3)
    writer.feed(b"".join(b"line %d\n" % number for number in range(20)))
    seen, end = follow_in_thread(tmp_path, lines=5)
    wait_until(lambda: len(seen) == 5)
    for start in range(20, 1500, 50):
        writer.feed(b"".join(b"line %d\n" % number for number in range(start, start + 50)))
        wait_until(lambda done=start + 50: len(seen) == done - 15)  # type: ignore[misc]
    end()
    assert [line.text for line in seen] == [f"line {number}" for number in range(15, 1520)]


def test_an_unfinished_line_waits_for_its_end(tmp_path: Path) -> None:
    clock = Clock()
    writer = make_writer(tmp_path, clock)
    writer.feed(b"first\nhal")
    writer.flush_pending()
    seen, end = follow_in_thread(tmp_path, lines=2)
    wait_until(lambda: [line.text for line in seen] == ["first"])
    writer.feed(b"f\nlast")
    wait_until(lambda: [line.text for line in seen] == ["first", "half"])
    writer.flush_pending()
    end()
    assert seen[-1].text == "last"


def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "qwen"
    seen, end = follow_in_thread(folder)
    make_writer(folder, Clock()).feed(b"hello\n")
    wait_until(lambda: [line.text for line in seen] == ["hello"])
    end()
