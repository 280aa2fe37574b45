"""Scans and searches against the naive reading of the same files: nothing missed, nothing twice, in both directions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.log_asking import LogFilter, LogLevel, LogPattern, Seek
from engine.logs import scan
from engine.logs.reader import MergedLog
from engine.logs.rows import Row
from engine.logs.scan import Scanned, scan_back, scan_on
from engine.logs.search import Search
from engine.logs.sieve import Sieve
from tests.engine.logs.support import PIECES, Clock, make_writer

PATTERN = st.sampled_from(
    [
        LogPattern("line"),
        LogPattern("a"),
        LogPattern("é"),
        LogPattern("^.?$", is_regex=True),
        LogPattern("x{50}", is_regex=True),
    ]
)


@contextmanager
def merged(pieces: list[bytes], max_bytes: int) -> Iterator[MergedLog]:
    """Two streams of two instances, fed in turn by a clock that moves now and then."""
    with tempfile.TemporaryDirectory() as name:
        clock = Clock()
        folders = {one: Path(name) / one for one in ("qwen", "bge")}
        writers = [
            make_writer(folder, clock, stream=stream, max_bytes=max_bytes, backups=3)
            for folder in folders.values()
            for stream in ("stdout", "stderr")
        ]
        for number, piece in enumerate(pieces):
            clock.now += number % 2
            writers[(number * 7) % 4].feed(piece)
        for writer in writers:
            writer.close()
        log = MergedLog(folders)
        yield log
        log.close()


def all_rows(log: MergedLog) -> list[Row]:
    return list(log.forward(log.first()))


@settings(max_examples=100)
@given(pieces=PIECES, max_bytes=st.integers(20, 400), pattern=PATTERN)
def test_a_scan_gives_what_passes_in_either_direction(pieces: list[bytes], max_bytes: int, pattern: LogPattern) -> None:
    sieve = Sieve(LogFilter(pattern))
    with merged(pieces, max_bytes) as log:
        expected = [row for row in all_rows(log) if sieve.passes(row)]
        forward = [step for step in scan_on(log, log.first(), sieve) if isinstance(step, Row)]
        backward = [step for step in scan_back(log, log.last(), sieve) if isinstance(step, Row)]
    assert forward == expected
    assert backward[::-1] == expected


@settings(max_examples=100)
@given(pieces=PIECES, max_bytes=st.integers(20, 400), pattern=PATTERN)
def test_a_search_counts_every_line_once_and_walks_through_all_of_them(
    pieces: list[bytes], max_bytes: int, pattern: LogPattern
) -> None:
    sieve = Sieve(LogFilter(), pattern)
    with merged(pieces, max_bytes) as log:
        expected = [row for row in all_rows(log) if sieve.passes(row)]
        search = Search(pattern, LogFilter())
        while search.count(log):
            pass
        assert (search.state().hits, search.state().counted) == (len(expected), 1.0)
        for is_back in (False, True):
            places, found = log.last() if is_back else log.first(), []
            for _ in expected:
                search.seek(log, places, is_back=is_back)
                hit = step_until_settled(search, log)
                assert hit is not None
                assert search.state().seek is Seek.FOUND
                found.append(hit)
                exact = list(log.places_at(hit.order))
                exact[hit.rank] = hit.place if is_back else hit.after
                places = tuple(exact)
            assert found == (expected[::-1] if is_back else expected)
            search.seek(log, places, is_back=is_back)
            around = step_until_settled(search, log)
            assert around == (found[0] if found else None)
            assert search.state().seek is (Seek.WRAPPED if found else Seek.NOTHING)


def step_until_settled(search: Search, log: MergedLog) -> Row | None:
    while True:
        hit = search.step(log)
        if hit is not None or not search.is_seeking:
            return hit


@settings(max_examples=60)
@given(pieces=PIECES, more=PIECES, max_bytes=st.integers(20, 400), pattern=PATTERN)
def test_a_count_goes_on_with_a_log_that_grows_and_rotates(
    pieces: list[bytes], more: list[bytes], max_bytes: int, pattern: LogPattern
) -> None:
    sieve = Sieve(LogFilter(), pattern)
    with tempfile.TemporaryDirectory() as name:
        clock = Clock()
        writer = make_writer(Path(name), clock, max_bytes=max_bytes)
        for piece in pieces:
            writer.feed(piece)
        log = MergedLog(Path(name))
        search = Search(pattern, LogFilter())
        search.count(log)
        for piece in more:
            clock.now += 1.0
            writer.feed(piece)
            if log.refresh():
                search.refresh(log)
            search.count(log)
        writer.close()
        if log.refresh():
            search.refresh(log)
        while search.count(log):
            pass
        assert search.state().hits == sum(1 for row in all_rows(log) if sieve.passes(row))
        log.close()


@pytest.mark.parametrize("at", [0, 70_000, 300_000, scan.SCAN_BYTES - 3, 900_000])
def test_a_word_far_into_a_very_long_line_is_found(tmp_path: Path, at: int) -> None:
    line = b"y" * at + b"needle" + b"y" * (1_000_000 - at)
    (tmp_path / "stdout.log").write_bytes(b"short\n" + line + b"\nshort needle\n")
    log = MergedLog(tmp_path)
    sieve = Sieve(LogFilter(LogPattern("needle")))
    found = [step.start for step in scan_on(log, log.first(), sieve) if isinstance(step, Row)]
    assert found == [6, 6 + 1_000_007]
    search = Search(LogPattern("needle"), LogFilter())
    while search.count(log):
        pass
    assert search.state().hits == 2
    log.close()


def test_a_long_log_is_looked_at_in_steps(tmp_path: Path) -> None:
    (tmp_path / "stdout.log").write_bytes(b"an unremarkable line\n" * 100_000 + b"the needle\n")
    log = MergedLog(tmp_path)
    steps = list(scan_on(log, log.first(), Sieve(LogFilter(LogPattern("needle")))))
    scanned = [step for step in steps if isinstance(step, Scanned) and step.rank == 0]
    assert len(scanned) == -(-2_100_011 // scan.SCAN_BYTES)
    assert [step for step in steps if isinstance(step, Row)] == list(log.backward(log.last()))[:1]
    log.close()


def test_filter_and_search_work_together(tmp_path: Path) -> None:
    lines = [f"0.00.000.{number:03} {'DIWE'[number % 4]} number {number % 3}\n" for number in range(240)]
    (tmp_path / "stderr.log").write_text("".join(lines))
    log = MergedLog(tmp_path)
    search = Search(LogPattern("number 1"), LogFilter(LogPattern("[05] ", is_regex=True), LogLevel.WARNING))
    while search.count(log):
        pass
    expected = [number for number in range(240) if number % 4 >= 2 and number % 3 == 1 and str(number % 10) in "05"]
    assert search.state().hits == len(expected)
    log.close()
