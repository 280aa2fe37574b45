from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import LogError
from engine.logs.reader import LogSelection, MergedLog, iter_lines, iter_raw, read_tail
from engine.snapshots import Stream
from tests.engine.logs.support import PIECES, Clock, list_pieces, make_writer, read_all, split_naively

EVERYTHING = LogSelection()


@settings(max_examples=150)
@given(pieces=PIECES, max_bytes=st.integers(1, 120), lines=st.integers(0, 30))
def test_the_tail_equals_a_naive_split_of_all_pieces(pieces: list[bytes], max_bytes: int, lines: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        writer = make_writer(Path(name), Clock(), max_bytes=max_bytes, backups=6)
        for piece in pieces:
            writer.feed(piece)
        writer.close()
        expected = split_naively(read_all(Path(name)))
        assert [line.text for line in read_tail(Path(name), lines, Stream.STDOUT)] == (
            expected[-lines:] if lines else []
        )
        assert [line.text for line in iter_lines(Path(name), EVERYTHING)] == expected


@pytest.mark.parametrize("width", [3, 1000, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 200_000])
def test_lines_of_every_length_are_found_from_both_ends(tmp_path: Path, width: int) -> None:
    """Around the sizes of the blocks that are read, with short lines between the long ones."""
    data = b"".join(b"%d:" % number + b"y" * width + b"\nshort\n\n" for number in range(8))
    (tmp_path / "stdout.log.1").write_bytes(data[: len(data) // 3])
    (tmp_path / "stdout.log").write_bytes(data[len(data) // 3 :])
    forward = list(iter_lines(tmp_path, EVERYTHING))
    assert forward == list(read_tail(tmp_path, 10_000))
    expected = [line.decode() for line in data.removesuffix(b"\n").split(b"\n")]
    assert [line.text[:65_536] for line in forward] == [line[:65_536] for line in expected]
    assert ("more bytes" in forward[0].text) == (width > 65_533)


def test_both_streams_merge_by_time_of_reading_and_ties_show_stdout_first(tmp_path: Path) -> None:
    clock = Clock()
    out, err = (make_writer(tmp_path, clock, stream=stream, max_bytes=20) for stream in ("stdout", "stderr"))
    for number in range(6):
        clock.now += 1.0
        err.feed(b"err %d\n" % number)
        out.feed(b"tie %d\n" % number)
        clock.now += 1.0
        err.feed(b"late %d\n" % number)
    expected = [f"{word} {number}" for number in range(6) for word in ("tie", "err", "late")]
    assert [line.text for line in iter_lines(tmp_path, EVERYTHING)] == expected
    assert [line.text for line in read_tail(tmp_path, 7)] == expected[-7:]
    assert read_tail(tmp_path, 1)[0].ts == clock.now


def test_since_and_lines_and_pattern_choose_lines(tmp_path: Path) -> None:
    clock = Clock()
    out, err = (make_writer(tmp_path, clock, stream=stream, max_bytes=30) for stream in ("stdout", "stderr"))
    for number in range(10):
        clock.now = 2000.0 + number
        out.feed(b"out %d\n" % number)
        err.feed(b"err %d\n" % number)
    since = [line.text for line in iter_lines(tmp_path, LogSelection(since=2007.0))]
    assert since == ["out 7", "err 7", "out 8", "err 8", "out 9", "err 9"]
    assert [line.text for line in iter_lines(tmp_path, LogSelection(since=2007.0, lines=3))] == since[-3:]
    assert [line.text for line in iter_lines(tmp_path, LogSelection(since=2009.5))] == []
    assert [line.text for line in iter_lines(tmp_path, LogSelection(pattern=re.compile("[35]$"), lines=3))] == [
        "err 3",
        "out 5",
        "err 5",
    ]


def test_files_of_another_origin_are_read_without_times(tmp_path: Path) -> None:
    (tmp_path / "stderr.log").write_bytes(b"old 1\nold 2\n")
    clock = Clock()
    make_writer(tmp_path, clock, stream="stderr").feed(b"ours\n")
    assert [(line.text, line.ts) for line in read_tail(tmp_path, 5)] == [
        ("old 1", None),
        ("old 2", None),
        ("ours", clock.now),
    ]


def test_a_new_run_begins_a_line_of_its_own_after_a_torn_one(tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock())
    writer.feed(b"torn")
    writer.close()
    make_writer(tmp_path, Clock(1005.0)).feed(b"next run\n")
    assert (tmp_path / "stdout.log").read_bytes() == b"tornnext run\n"
    assert [(line.text, line.ts) for line in read_tail(tmp_path, 5)] == [("torn", 1000.0), ("next run", 1005.0)]


@pytest.mark.parametrize("harm", ["missing", "torn", "beyond", "foreign"])
def test_a_damaged_index_is_healed_and_costs_times_only(tmp_path: Path, harm: str) -> None:
    writer = make_writer(tmp_path, Clock())
    writer.feed(b"first\n")
    writer.close()
    index = tmp_path / "stdout.idx"
    whole = index.read_bytes()
    damaged = {"torn": whole[:-5], "beyond": whole + whole[-16:-15] + b"\xff" * 6 + b"\0" * 9, "foreign": b"x" * 90}
    if harm == "missing":
        index.unlink()
    else:
        index.write_bytes(damaged[harm])
    make_writer(tmp_path, Clock(1005.0)).feed(b"second\n")
    lines = read_tail(tmp_path, 5)
    assert [line.text for line in lines] == ["first", "second"]
    assert lines[0].ts == (1000.0 if harm == "beyond" else None)
    assert lines[1].ts == 1005.0


def test_an_index_that_missed_the_last_rename_still_tells_its_times(tmp_path: Path) -> None:
    """A keeper killed between the two renames of a rotation."""
    writer = make_writer(tmp_path, Clock())
    writer.feed(b"first\n")
    writer.close()
    (tmp_path / "stdout.log").rename(tmp_path / "stdout.log.1")
    assert [line.ts for line in read_tail(tmp_path, 5)] == [1000.0]
    make_writer(tmp_path, Clock(1005.0)).feed(b"second\n")
    assert [line.ts for line in read_tail(tmp_path, 5)] == [1000.0, 1005.0]
    assert (tmp_path / "stdout.idx.1").exists()


def test_an_index_stays_below_a_quarter_of_its_log(tmp_path: Path) -> None:
    clock = Clock()
    writer = make_writer(tmp_path, clock, max_bytes=1_000_000)
    for _ in range(20_000):
        clock.now += 0.05
        writer.feed(b"\n")
    assert (tmp_path / "stdout.idx").stat().st_size <= 32 + 16 * (1024 + 20_000 // 64)


def test_a_missing_folder_has_no_lines(tmp_path: Path) -> None:
    assert read_tail(tmp_path / "none", 10) == ()
    assert not (tmp_path / "none").exists()


def test_the_end_of_a_large_log_is_read_without_the_rest(tmp_path: Path) -> None:
    """A sparse file of 1 TB: reading all of it would take longer than a test may."""
    with (tmp_path / "stderr.log").open("wb") as file:
        file.truncate(1_000_000_000_000)
        file.seek(0, 2)
        file.write(b"\n" + b"".join(b"line %d\n" % number for number in range(5000)))
    lines = read_tail(tmp_path, 50)
    assert [lines[0].text, lines[-1].text] == ["line 4950", "line 4999"]


def test_rotation_while_a_reader_is_open_keeps_positions(tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=50, backups=2)
    writer.feed(b"one\n")
    with MergedLog(tmp_path, Stream.STDOUT) as log:
        places = log.last()
        expected = []
        for number in range(40):
            writer.feed(b"line %d\n" % number)
            expected.append(f"line {number}")
            log.refresh()
            rows = list(log.forward(places))
            places = log.step_on(places, rows)
            assert [line.text for line in log.to_lines(rows)] == expected[-1:]
        assert log.size_bytes() == len(read_all(tmp_path))
    assert len(list_pieces(tmp_path)) == 3


@settings(max_examples=100)
@given(pieces=PIECES, max_bytes=st.integers(1, 120))
def test_raw_gives_exactly_the_bytes_of_the_files(pieces: list[bytes], max_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        writer = make_writer(Path(name), Clock(), max_bytes=max_bytes, backups=6)
        for piece in pieces:
            writer.feed(piece)
        writer.close()
        assert b"".join(iter_raw(Path(name), EVERYTHING)) == read_all(Path(name))


def test_raw_gives_lines_that_are_too_long_to_be_shown(tmp_path: Path) -> None:
    data = b"short\r\n" + b"x" * 1_000_000 + b"\n\xff no newline at the end"
    (tmp_path / "stdout.log").write_bytes(data)
    pieces = list(iter_raw(tmp_path, EVERYTHING))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 65_536
    assert b"".join(iter_raw(tmp_path, LogSelection(lines=1))) == b"\xff no newline at the end"


def test_since_begins_with_a_line_that_was_begun_then(tmp_path: Path) -> None:
    """A line that was begun before is older, also when its end came later."""
    clock = Clock()
    writer = make_writer(tmp_path, clock)
    writer.feed(b"begun before")
    writer.flush_pending()
    clock.now += 2.0
    writer.feed(b" and ended after\nbegun after\n")
    assert [line.text for line in iter_lines(tmp_path, LogSelection(since=1001.0))] == ["begun after"]
    assert [line.text for line in iter_lines(tmp_path, LogSelection(since=1000.0))] == [
        "begun before and ended after",
        "begun after",
    ]


@settings(max_examples=100)
@given(
    pieces=PIECES,
    steps=st.lists(st.sampled_from([0.0, 0.0005, 0.3, 2.0]), min_size=25, max_size=25),
    since=st.floats(995.0, 1060.0),
)
def test_since_equals_picking_the_lines_by_their_times(pieces: list[bytes], steps: list[float], since: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        clock = Clock()
        writer = make_writer(Path(name), clock, max_bytes=60, backups=100)
        for piece, step in zip(pieces, steps, strict=False):
            clock.now += step
            writer.feed(piece)
            writer.flush_pending()
        writer.close()
        everything = list(iter_lines(Path(name), EVERYTHING))
        picked = [line for line in everything if line.ts is not None and line.ts >= since]
        assert [line.text for line in iter_lines(Path(name), LogSelection(since=since))] == [one.text for one in picked]


def test_what_cannot_be_read_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "qwen").write_bytes(b"a file where the folder should be")
    with pytest.raises(LogError, match=r"qwen/stdout\.log: cannot be read: Not a directory; make it readable"):
        read_tail(tmp_path / "qwen", 5)
