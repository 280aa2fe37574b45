from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path

from engine.logs.follow import follow, follow_raw
from engine.logs.reader import LogSelection
from engine.snapshots import LogLine, Stream
from tests.engine.logs.support import Clock, make_writer, read_all, wait_until

ROTATED_AWAY = "rotated away here unread: raise max_size_mb or backups to keep more"


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
    for line in follow(folder, LogSelection(Stream.STDOUT, lines=lines), stop):
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


def follow_to_now(folder: Path, selection: LogSelection) -> list[str]:
    """What a follower that is stopped at once still shows."""
    stop = threading.Event()
    stop.set()
    return [line.text for line in follow(folder, selection, stop)]


def test_the_newest_lines_are_counted_after_the_pattern(tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=100_000)
    writer.feed(b"".join(b"line %d\n" % number for number in range(300)))
    selection = LogSelection(lines=2, pattern=re.compile("7$"))
    assert follow_to_now(tmp_path, selection) == ["line 287", "line 297"]


def test_only_matching_lines_are_followed(tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock())
    writer.feed(b"old error\nfine\n")
    stop = threading.Event()
    lines = follow(tmp_path, LogSelection(lines=1, pattern=re.compile("error")), stop)
    assert next(lines).text == "old error"
    writer.feed(b"fine\nnew error\nfine\n")
    stop.set()
    assert [line.text for line in lines] == ["new error"]


def test_a_gap_right_after_the_last_line_is_followed(tmp_path: Path) -> None:
    folder, clock = tmp_path / "qwen", Clock()
    writer = make_writer(folder, clock)
    writer.feed(b"before\n")
    stop = threading.Event()
    lines = follow(folder, LogSelection(lines=1), stop)
    assert next(lines).text == "before"
    folder.rename(tmp_path / "away")
    folder.write_bytes(b"in the way")
    clock.now += 1.0
    writer.feed(b"lost\n")
    folder.unlink()
    (tmp_path / "away").rename(folder)
    clock.now += 1.0
    writer.feed(b"after\n")
    stop.set()
    assert [(line.is_gap, line.text) for line in lines] == [
        (True, "… 5 bytes are missing here: they could not be written"),
        (False, "after"),
    ]


def test_a_slow_reader_of_a_fast_log_loses_nothing_that_it_has_seen_begin(tmp_path: Path) -> None:
    """The files are looked at while lines are being given out, so that none is rotated away meanwhile."""
    writer = make_writer(tmp_path, Clock(), max_bytes=400, backups=1)
    writer.feed(b"line 0\n")
    stop = threading.Event()
    lines = follow(tmp_path, LogSelection(lines=1), stop)
    seen = [next(lines).text]
    for start in range(1, 400, 20):
        writer.feed(b"".join(b"line %d\n" % number for number in range(start, start + 20)))
        seen += [next(lines).text for _ in range(20)]
    stop.set()
    assert [*seen, *(line.text for line in lines)] == [f"line {number}" for number in range(401)]


def test_files_that_came_and_went_unread_are_told(tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=40, backups=1)
    writer.feed(b"line 0\n")
    stop = threading.Event()
    lines = follow(tmp_path, LogSelection(lines=1), stop)
    assert next(lines).text == "line 0"
    writer.feed(b"".join(b"line %d\n" % number for number in range(1, 36)))
    stop.set()
    told = [(line.is_gap, line.text) for line in lines]
    gap = (
        True,
        "… 5 log files were rotated away here unread: raise max_size_mb or backups to keep more",
    )
    kept = len(read_all(tmp_path).splitlines())
    expected = [*(f"line {number}" for number in range(1, 5)), *(f"line {number}" for number in range(36 - kept, 36))]
    assert told.count(gap) == 1
    assert told.index(gap) == 4
    assert [text for is_gap, text in told if not is_gap] == expected


def test_raw_following_gives_the_bytes(tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=50, backups=9)
    writer.feed(b"first\r\n")
    stop = threading.Event()
    pieces = follow_raw(tmp_path, LogSelection(lines=5), stop)
    seen = [next(pieces)]
    writer.feed(b"\xff\x1b[31m\n" * 20 + b"no end")
    writer.close()
    stop.set()
    assert b"".join([*seen, *pieces]) == read_all(tmp_path)


def test_a_follower_since_a_moment_shows_all_from_there(tmp_path: Path) -> None:
    clock = Clock()
    writer = make_writer(tmp_path, clock)
    for number in range(5):
        writer.feed(b"line %d\n" % number)
        clock.now += 1.0
    assert follow_to_now(tmp_path, LogSelection(since=1002.0)) == ["line 2", "line 3", "line 4"]
    assert follow_to_now(tmp_path, LogSelection(since=1002.0, lines=1)) == ["line 4"]
