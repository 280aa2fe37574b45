"""What the tests of logs share: a clock they move, random pieces of output, and the naive reading of a log folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

from engine.logs.clean import clean_line
from engine.logs.writer import RotatingWriter

PIECES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.lists(st.sampled_from([b"a", b"line", b"\n", b"\r\n", b"\0", b"\xff\xfe", "é€".encode(), b"\x1b[31m"])).map(
            b"".join
        ),
        st.integers(1, 300).map(lambda count: b"x" * count),
    ),
    max_size=25,
)
"""Pieces as a pipe may hand them over: empty, unfinished, CRLF, NUL, bad UTF-8, longer than any limit of the tests."""


class Clock:
    """A clock that stands until the test moves it."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def make_writer(
    folder: Path, clock: Clock, *, stream: str = "stdout", max_bytes: int = 100, backups: int = 3
) -> RotatingWriter:
    """A writer whose two clocks are the one given."""
    return RotatingWriter(str(folder), stream, max_bytes, backups, clock, wall=clock)


def list_pieces(folder: Path, stream: str = "stdout") -> list[Path]:
    """The stream's files, oldest first."""
    return sorted(
        (path for path in folder.glob(f"{stream}.log*")),
        key=lambda path: -int(path.suffix[1:]) if path.suffix != ".log" else 0,
    )


def read_all(folder: Path, stream: str = "stdout") -> bytes:
    """Every kept byte of a stream, oldest first."""
    return b"".join(path.read_bytes() for path in list_pieces(folder, stream))


def split_naively(data: bytes) -> list[str]:
    """The lines of `data` as they may be shown."""
    return [clean_line(line + b"\n") for line in data.removesuffix(b"\n").split(b"\n")] if data else []


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition; fails when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.005)
