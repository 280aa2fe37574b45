"""A disk that is full now and then: what is kept, what is counted, and where the reader draws the gap.

A file size limit stands for the disk: the kernel refuses the same write in the same way, for any user.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.logs.index import HEADER, RECORD
from engine.logs.reader import MergedLog
from engine.logs.writer import RotatingWriter
from engine.snapshots import Stream
from tests.engine.logs.support import Clock, make_writer, read_all

if sys.platform == "win32":
    pytest.skip("file size limits are POSIX", allow_module_level=True)

import resource

INDEX_BYTES = HEADER.size + RECORD.size

PIECE = st.tuples(
    st.lists(
        st.sampled_from([b"a line of some length\n", b"another one\r\n", b"\xff\xfe\n", b"\n", b"unfinished"])
    ).map(lambda parts: b"".join([b"at least as long as its record in the index\n", *parts])),
    st.one_of(st.none(), st.integers(0, 60)),
)
"""What is written, and how many bytes the disk has left for it (None: plenty)."""


@contextmanager
def room_for(size_bytes: int | None) -> Iterator[None]:
    """No file may grow beyond this size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft if size_bytes is None else size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def feed(writer: RotatingWriter, folder: Path, piece: bytes, room: int | None) -> None:
    """Have a piece written while the current file may grow by `room` bytes; its index has room for the gap."""
    current = folder / "stdout.log"
    size = current.stat().st_size if current.exists() else 0
    with room_for(None if room is None else max(size, INDEX_BYTES) + room):
        writer.feed(piece)


@settings(max_examples=200, deadline=None)
@given(pieces=st.lists(PIECE, max_size=12), steps=st.lists(st.sampled_from([0.01, 0.5, 1.5]), min_size=12, max_size=12))
def test_every_byte_is_kept_or_counted_where_it_is_missing(
    pieces: list[tuple[bytes, int | None]], steps: list[float]
) -> None:
    """Walking along the reader's rows and skipping what each gap says meets exactly what the server wrote."""
    with tempfile.TemporaryDirectory() as name:
        folder, clock = Path(name), Clock()
        writer = make_writer(folder, clock, max_bytes=400, backups=100)
        for (piece, room), step in zip(pieces, steps, strict=False):
            feed(writer, folder, piece, room)
            clock.now += step
        writer.close()
        written = b"".join(piece for piece, _ in pieces)
        gaps = writer.take_gaps()
        assert len(read_all(folder)) + sum(gap.dropped_bytes for gap in gaps) == len(written)
        assert not writer.fault()
        position = 0
        with MergedLog(folder, Stream.STDOUT) as log:
            for row in log.forward(log.first()):
                if not row.dropped_bytes:
                    assert written[position : position + len(row.raw)] == row.raw
                position += row.dropped_bytes or len(row.raw)
        assert position == len(written)


def test_a_full_disk_pauses_writing_and_is_tried_once_a_second(tmp_path: Path) -> None:
    clock = Clock()
    writer = make_writer(tmp_path, clock, max_bytes=1000)
    kept = b"kept 1: as long as an index with a record, at least\n"
    feed(writer, tmp_path, kept, None)
    feed(writer, tmp_path, b"lost 1\n", 0)
    assert writer.fault() != ""
    feed(writer, tmp_path, b"lost 2\n", None)  # there is room again, but it is not tried yet
    assert read_all(tmp_path) == kept
    clock.now += 1.0
    feed(writer, tmp_path, b"kept 2\n", None)
    assert read_all(tmp_path) == kept + b"kept 2\n"
    (gap,) = writer.take_gaps()
    assert (gap.dropped_bytes, gap.since, gap.until) == (14, 1000.0, 1001.0)


def test_a_rotation_that_the_disk_refuses_is_made_good_later(tmp_path: Path) -> None:
    """A folder stands where the rotated file should go, as any file system's refusal of the move."""
    clock = Clock()
    writer = make_writer(tmp_path, clock, max_bytes=10, backups=1)
    (tmp_path / "stdout.log.1").mkdir()
    (tmp_path / "stdout.log.1" / "in the way").touch()
    writer.feed(b"123456789\n")
    writer.feed(b"lost\n")
    assert writer.fault() != ""
    (tmp_path / "stdout.log.1" / "in the way").unlink()
    (tmp_path / "stdout.log.1").rmdir()
    clock.now += 1.0
    writer.feed(b"kept\n")
    writer.close()
    assert read_all(tmp_path) == b"123456789\nkept\n"
    assert [gap.dropped_bytes for gap in writer.take_gaps()] == [5]
    with MergedLog(tmp_path, Stream.STDOUT) as log:
        rows = list(log.forward(log.first()))
    assert [(row.raw, row.dropped_bytes, row.ts) for row in rows] == [
        (b"123456789\n", 0, 1000.0),
        (b"", 5, 1001.0),
        (b"kept\n", 0, 1001.0),
    ]
