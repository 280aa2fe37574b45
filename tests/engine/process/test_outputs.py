"""The pump: how long it rests, what it tells of trouble, and its bounds under a real keeper."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import re
import selectors
import shutil
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.logs.reader import read_tail
from engine.process.records import Record, RecordReader, encode_record, get_value, read_record
from engine.snapshots import Stream
from tests.engine.logs.support import Clock, list_pieces, make_writer, read_all
from tests.engine.process.keeping import Kept, build_spec
from tests.fakes.full_disk import FULL_BYTES, full_disk
from tests.fakes.homes import ThrowAwayHome, command_server, wait_for

assert sys.platform != "win32"  # tells the type checker which half of the world this is

from engine.process.outputs import BREATH_S, QUIET_S, READ_BYTES, WIDE_PIPE_BYTES, Outputs, Trouble  # noqa: E402 - after that assert

SEND_FILE = """
import os, sys
for fd, path in ((1, sys.argv[1]), (2, sys.argv[2])):
    data = memoryview(open(path, "rb").read())
    while data:
        data = data[os.write(fd, data[:70_001]):]
"""
"""A server that writes one file to stdout, another to stderr, and ends."""


def send_files(den: ThrowAwayHome, out: bytes, err: bytes, max_bytes: int, backups: int = 10_000) -> Path:
    """The log folder of a run that wrote this and has ended."""
    folder = den.home.state_dir
    (folder / "out").write_bytes(out)
    (folder / "err").write_bytes(err)
    argv = (sys.executable, "-I", "-S", "-c", SEND_FILE, str(folder / "out"), str(folder / "err"))
    kept = Kept(den, build_spec(argv=argv, port=None, max_log_bytes=max_bytes, log_backups=backups))
    assert kept.wait_for_end()["code"] == "0"
    return den.home.instance_logs("qwen")


LINES = b"".join(b"line %d\n" % number for number in range(30_000))


@pytest.mark.parametrize(
    ("content", "max_bytes"),
    [
        pytest.param(b"", 1000, id="empty"),
        pytest.param(LINES, 20_000, id="lines"),
        pytest.param(LINES + b"no newline at the end", 7_777, id="no newline at the end"),
        pytest.param(LINES.replace(b"\n", b"\r\n"), 20_000, id="CRLF"),
        pytest.param(random.Random(1).randbytes(400_000), 9_999, id="bytes of any kind"),  # noqa: S311 - no secret
        pytest.param(b"before\n" + b"x" * 10_000_000 + b"\nafter\n", 1_000_000, id="a line of 10 MB"),
        pytest.param(b"\n" * 50_000, 5_000, id="empty lines"),
        pytest.param(b"\xff\xfe\x80 not UTF-8\n\xc3(\n" * 5_000, 12_345, id="invalid UTF-8"),
    ],
)
def test_what_a_server_wrote_comes_back_byte_for_byte_through_rotations(
    den: ThrowAwayHome, content: bytes, max_bytes: int
) -> None:
    folder = send_files(den, content, content[::-1], max_bytes)
    assert read_all(folder, "stdout") == content
    assert read_all(folder, "stderr") == content[::-1]
    for stream in ("stdout", "stderr"):
        assert all(path.stat().st_size <= max_bytes for path in list_pieces(folder, stream))


def test_lines_that_fit_are_never_split_across_files(den: ThrowAwayHome) -> None:
    folder = send_files(den, LINES, b"", 5_000)
    pieces = list_pieces(folder)
    assert len(pieces) > 40
    assert all(path.read_bytes().endswith(b"\n") for path in pieces)


def test_each_stream_stays_within_its_limit_while_nobody_watches_and_keeps_the_newest(den: ThrowAwayHome) -> None:
    """Invariant 6: never more than max_size x (backups + 1), and what is kept is the end, without a hole."""
    kept = Kept(den, build_spec("--flood", "20000", max_log_bytes=30_000, log_backups=2))
    folder = den.home.instance_logs("qwen")
    largest = 0

    def has_rotated_often() -> bool:
        nonlocal largest
        largest = max(largest, measure(folder))
        return any(int(number) > 16_000 for number in re.findall(rb"line: (\d+)\n", kept.read_log()))

    wait_for(folder.exists, "the log begins")
    wait_for(has_rotated_often, "sixteen thousand lines were written")
    kept.stop(5.0)
    assert 60_000 < largest <= 90_000
    data = read_all(folder, "stderr")
    numbers = [int(one) for one in re.findall(rb"line: (\d+)\n", data)]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert len(list_pieces(folder, "stderr")) == 3
    assert len(data) > 60_000  # whole files but for the newest, less than one line of each unused


def measure(folder: Path) -> int:
    """The bytes of all pieces of stderr at one moment: what is deleted while we look counts for nothing."""
    with contextlib.ExitStack() as stack:
        handles = []
        for path in list_pieces(folder, "stderr"):
            with contextlib.suppress(FileNotFoundError):
                handles.append(stack.enter_context(path.open("rb")).fileno())
        found = {info.st_ino: info for info in map(os.fstat, handles)}
    return sum(info.st_size for info in found.values() if info.st_nlink)


def test_a_full_disk_is_told_to_the_leader_when_it_begins_and_when_it_ends(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec())
    kept.wait_until_ready()
    before = kept.read_log()
    ear = Ear(kept)
    with full_disk(kept.keeper):
        command_server(kept.spec.port or 0, do="lines", count=500)
        fault = ear.wait_for("fault")
        command_server(kept.spec.port or 0, do="lines", count=500)
    gap = ear.wait_for("gap")
    command_server(kept.spec.port or 0, do="text", text="back again\n")
    wait_for(lambda: b"back again" in kept.read_log(), "the log goes on")
    kept.stop(5.0)
    assert "its stderr cannot be logged: File too large; mend " in get_value(fault, "message")
    dropped_bytes = int(get_value(gap, "dropped_bytes"))
    assert get_value(gap, "message") == f"{dropped_bytes:,} bytes of its stderr were lost: File too large"
    written = before + b"".join(b"0.00.000.000 I fake        line: %d\n" % number for number in range(1, 1001))
    kept_bytes = kept.read_log().removesuffix(b"back again\n")
    assert written.startswith(kept_bytes)
    assert len(kept_bytes) + dropped_bytes == len(written)
    shown = read_tail(den.home.instance_logs("qwen"), 2, Stream.STDERR)
    assert [(one.is_gap, one.text) for one in shown] == [
        (True, f"… {dropped_bytes:,} bytes are missing here: they could not be written"),
        (False, "back again"),
    ]
    assert "gap" not in kept.wait_for_end()


class Ear:
    """A leader's connection, and what the keeper has said on it."""

    def __init__(self, kept: Kept) -> None:
        self._line = kept.connect()
        self._line.connection.sendall(encode_record([("order", "lead")]))
        self._reader = RecordReader()
        self._heard: list[Record] = []

    def wait_for(self, event: str) -> Record:
        """The first record of this event."""
        return wait_for(lambda: self._find(event), f"the {event} is told")

    def _find(self, event: str) -> Record | None:
        with contextlib.suppress(BlockingIOError):
            self._heard += self._reader.feed(self._line.connection.recv(1 << 16))
        return next((record for record in self._heard if get_value(record, "event") == event), None)


def test_a_gap_that_no_leader_heard_of_stands_in_the_exit_record(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec())
    kept.wait_until_ready()
    with full_disk(kept.keeper):
        command_server(kept.spec.port or 0, do="lines", count=1000)
        wait_for(lambda: len(kept.read_log()) == FULL_BYTES, "the disk is full")
    kept.stop(5.0)
    end = kept.wait_for_end()
    assert end["code"] == "0"
    assert re.fullmatch(r"[\d,]+ bytes of its stderr were lost: File too large", end["gap"])


def test_a_log_folder_deleted_under_a_quiet_keeper_is_made_again_and_loses_no_later_line(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec())
    kept.wait_until_ready()
    shutil.rmtree(den.home.logs_dir)
    command_server(kept.spec.port or 0, do="lines", count=3)
    wait_for(lambda: b"line: 3\n" in kept.read_log(), "the log is there again")
    assert kept.read_log().startswith(b"0.00.000.000 I fake        line: 1\n")
    shutil.rmtree(den.home.logs_dir)
    wait_for((den.home.instance_logs("qwen") / "stdout.log").exists, "also while nothing is written", 3.0)
    kept.stop(5.0)
    assert "gap" not in dict(read_record(str(den.home.exit_record("qwen"))))


def test_trouble_is_told_once_and_more_of_it_is_added_up(tmp_path: Path) -> None:
    """A disk that comes and goes every second fills no event log."""
    folder, clock = tmp_path / "qwen", Clock()
    writer = make_writer(folder, clock)
    trouble = Trouble("stdout", str(folder), writer)
    told: list[tuple[float, str, str]] = []
    for _ in range(10):
        for is_broken in (True, False):
            if is_broken:
                shutil.rmtree(folder, ignore_errors=True)
                folder.write_bytes(b"in the way")
            else:
                folder.unlink()
            clock.now += 1.0
            writer.feed(b"some bytes\n")
            trouble.note()
            told += [
                (clock.now, get_value(one, "event"), get_value(one, "dropped_bytes"))
                for one in trouble.gather(clock.now, is_end=False)
            ]
    assert told == [
        (1001.0, "fault", ""),
        (1002.0, "gap", "11"),
        (1002.0 + QUIET_S, "gap", "55"),
    ]
    (last,) = trouble.gather(clock.now, is_end=True)
    assert get_value(last, "dropped_bytes") == "44"


class Pumped:
    """The pump of one stream, whose pipe a test fills."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._selector = selectors.DefaultSelector()
        spec = [("logs", str(folder)), ("max_bytes", "10000000"), ("backups", "1")]
        self.outputs = Outputs(spec, self._selector)
        self._ends = self.outputs.open()
        self._read_end = next(iter(self._selector.get_map()))

    def rest_after(self, count: int, *, is_read: bool = False) -> float:
        """How long the pump would rest after a turn that found so many bytes of short lines, or what is left there."""
        self.fill(count)
        if count or is_read:
            self.outputs.pump(self._read_end)
        return self.outputs.take_breath()

    def fill(self, count: int) -> None:
        """Write so many bytes of short lines into the pipe."""
        if count:
            os.write(self._ends[0], (b"a line of twenty-one\n" * (count // 21 + 1))[-count:])

    def pending(self) -> int:
        """How many bytes are still in the pipe."""
        told = fcntl.ioctl(self._read_end, termios.FIONREAD, b"\0" * 4)
        return int.from_bytes(told, sys.byteorder)

    def capacity(self) -> int:
        """Of the pipe, in bytes."""
        if sys.platform != "linux":
            pytest.skip("only Linux tells it, and widens a pipe when asked")
        return fcntl.fcntl(self._ends[0], fcntl.F_GETPIPE_SZ)

    def close(self) -> None:
        """Close the pipes."""
        for end in self._ends:
            os.close(end)
        self.outputs.finish()
        self._selector.close()


@pytest.fixture
def pumped(tmp_path: Path) -> Iterator[Pumped]:
    with contextlib.closing(Pumped(tmp_path / "logs")) as made:
        yield made


@pytest.mark.parametrize(
    ("moved", "rests_s"),
    [
        pytest.param([0, 0], [0.0, 0.0], id="silence"),
        pytest.param([100, 0, 100], [0.0001, 0.0, 0.0002], id="a line now and then"),
        pytest.param([100] * 9, [0.0001, 0.0002, 0.0004, 0.0008, 0.0016, 0.0032, *[BREATH_S] * 3], id="small writes"),
        pytest.param([100, 100, 20_000, 20_000], [0.0001, 0.0002, 0.0002, 0.0002], id="just as much as is good"),
        pytest.param(
            [100, 100, 45_000, 50_000], [0.0001, 0.0002, 0.0001, 0.0002], id="a pipe that was full is widened"
        ),
        pytest.param([45_000, 240_000, 240_000], [0.0] * 3, id="as fast as it goes"),
        pytest.param([45_000, 100, 100, 240_000], [0.0, 0.0001, 0.0002, 0.0001], id="a wide one that was full"),
    ],
)
def test_the_pump_rests_longer_while_little_comes_and_never_fills_a_pipe(
    pumped: Pumped, moved: list[int], rests_s: list[float]
) -> None:
    assert [pumped.rest_after(count) for count in moved] == pytest.approx(rests_s)
    assert sum(len(path.read_bytes()) for path in list_pieces(pumped.folder, "stdout")) > sum(moved) - 21


def test_a_pipe_is_widened_once_it_is_flooded_and_no_sooner(pumped: Pumped) -> None:
    narrow = pumped.capacity()
    pumped.rest_after(10_000)
    assert pumped.capacity() == narrow
    pumped.rest_after(45_000)
    assert pumped.capacity() == WIDE_PIPE_BYTES


def test_what_a_flood_was_read_with_is_given_back_after_it_and_the_next_one_is_taken_as_well(pumped: Pumped) -> None:
    for _ in range(2):
        pumped.rest_after(45_000)
        pumped.rest_after(240_000)
        assert pumped.pending() == 0  # one read took it all
        assert pumped.capacity() == WIDE_PIPE_BYTES
        pumped.outputs.look_after()
        pumped.outputs.look_after()
        assert pumped.capacity() == READ_BYTES


def test_a_pipe_stays_wide_while_more_comes_than_is_good_for_a_narrow_one(pumped: Pumped) -> None:
    for _ in range(3):
        pumped.rest_after(45_000)
        pumped.outputs.look_after()
        assert pumped.capacity() == WIDE_PIPE_BYTES


def test_a_wide_pipe_that_could_not_be_given_back_is_read_as_well(pumped: Pumped) -> None:
    pumped.rest_after(45_000)
    pumped.fill(240_000)
    pumped.outputs.look_after()
    pumped.outputs.look_after()
    assert pumped.capacity() == WIDE_PIPE_BYTES
    pumped.rest_after(0, is_read=True)
    assert pumped.pending() == 240_000 - READ_BYTES
    pumped.rest_after(0, is_read=True)
    assert pumped.pending() == 0


def test_a_pipe_of_one_who_has_very_many_is_small_and_holds_up_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system makes them of 8 KB then: what fills one is much, and is waited for no longer."""
    if sys.platform != "linux":
        pytest.skip("as Linux does it")
    pipe = os.pipe

    def make_small() -> tuple[int, int]:
        ends = pipe()
        fcntl.fcntl(ends[0], fcntl.F_SETPIPE_SZ, 8192)
        return ends

    monkeypatch.setattr("os.pipe", make_small)
    monkeypatch.setattr("engine.process.posix.resize_pipe", lambda *_: False)
    with contextlib.closing(Pumped(tmp_path / "logs")) as small:
        assert [small.rest_after(count) for count in (100, 100, 8000, 8000)] == [0.0001, 0.0002, 0.0001, 0.0]


def test_where_the_system_grants_no_wider_pipe_the_pump_goes_on_as_before(
    pumped: Pumped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.process.posix.resize_pipe", lambda *_: False)
    narrow = pumped.capacity()
    assert [pumped.rest_after(count) for count in (100, 100, 45_000, 45_000)] == [0.0001, 0.0002, 0.0001, 0.0]
    assert pumped.capacity() == narrow
