from __future__ import annotations

import random
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.logs.reader import read_tail
from engine.snapshots import Stream
from tests.engine.logs.support import PIECES, Clock, list_pieces, make_writer, read_all

ROOT = Path(__file__).parents[3]


@settings(max_examples=150)
@given(pieces=PIECES, max_bytes=st.integers(1, 120), backups=st.integers(0, 4), pauses=st.sets(st.integers(0, 25)))
def test_files_hold_the_newest_bytes_exactly_and_within_the_limit(
    pieces: list[bytes], max_bytes: int, backups: int, pauses: set[int]
) -> None:
    """Also when silence flushes unfinished lines, and when the keeper is replaced between two pieces."""
    with tempfile.TemporaryDirectory() as name:
        folder, clock = Path(name), Clock()
        writer = make_writer(folder, clock, max_bytes=max_bytes, backups=backups)
        for number, piece in enumerate(pieces):
            writer.feed(piece)
            clock.now += 0.2
            if number in pauses:
                writer.flush_pending()
            if number + 1 in pauses:
                writer.close()
                writer = make_writer(folder, clock, max_bytes=max_bytes, backups=backups)
            sizes = [path.stat().st_size for path in list_pieces(folder)]
            assert len(sizes) <= backups + 1
            assert all(size <= max_bytes for size in sizes)
        writer.close()
        written, kept = b"".join(pieces), read_all(folder)
        assert written.endswith(kept)
        assert len(kept) >= min(len(written), 1)
        assert not writer.take_gaps()
        if len(list_pieces(folder)) <= backups:
            assert kept == written


def test_no_piece_is_lost_when_enough_backups_are_kept(tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=64, backups=500)
    data = b"".join(b"line %d\n" % number for number in range(1000))
    for start in range(0, len(data), 37):
        writer.feed(data[start : start + 37])
    writer.close()
    assert read_all(tmp_path) == data
    assert all(path.read_bytes().endswith(b"\n") for path in list_pieces(tmp_path))


def test_a_line_longer_than_the_limit_is_cut_at_the_limit(tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=10, backups=5)
    writer.feed(b"ab\n" + b"x" * 25 + b"\ncd\n")
    writer.close()
    assert [path.read_bytes() for path in list_pieces(tmp_path)] == [b"ab\n", b"x" * 10, b"x" * 10, b"xxxxx\ncd\n"]


def test_an_unfinished_line_is_written_after_a_tenth_of_a_second_of_silence(tmp_path: Path) -> None:
    clock = Clock()
    writer = make_writer(tmp_path, clock)
    assert writer.deadline() is None
    writer.feed(b"whole\nhal")
    assert read_all(tmp_path) == b"whole\n"
    assert writer.deadline() == pytest.approx(clock.now + 0.1)
    clock.now += 0.05
    writer.feed(b"f")
    assert writer.deadline() == pytest.approx(clock.now + 0.1)
    writer.flush_pending()
    assert read_all(tmp_path) == b"whole\nhalf"
    assert writer.deadline() is None


def test_only_the_owner_may_read_logs(tmp_path: Path) -> None:
    folder = tmp_path / "logs" / "qwen"
    writer = make_writer(folder, Clock(), max_bytes=5)
    writer.feed(b"one\ntwo\nthree\n")
    writer.close()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder)} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_deleted_folder_is_made_again(tmp_path: Path) -> None:
    folder, clock = tmp_path / "logs" / "qwen", Clock()
    writer = make_writer(folder, clock)
    writer.feed(b"before\n")
    shutil.rmtree(folder.parent)
    clock.now += 1.0
    writer.feed(b"after\n")
    assert read_all(folder) == b"after\n"
    assert [line.ts for line in read_tail(folder, 5)] == [clock.now]
    assert writer.fault() == ""


def test_a_deleted_folder_is_made_again_at_rotation(tmp_path: Path) -> None:
    folder = tmp_path / "qwen"
    writer = make_writer(folder, Clock(), max_bytes=10)
    writer.feed(b"123456789\n")
    shutil.rmtree(folder)
    writer.feed(b"after\n")
    assert read_all(folder) == b"after\n"


def test_a_file_emptied_by_somebody_else_is_written_on(tmp_path: Path) -> None:
    clock = Clock()
    writer = make_writer(tmp_path, clock)
    writer.feed(b"before\n")
    (tmp_path / "stdout.log").write_bytes(b"")
    clock.now += 1.0
    writer.feed(b"after\n")
    assert [(line.text, line.ts) for line in read_tail(tmp_path, 5)] == [("after", clock.now)]


def test_a_lower_limit_of_backups_removes_the_surplus(tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=4, backups=5)
    writer.feed(b"".join(b"%03d\n" % number for number in range(9)))
    writer.close()
    writer = make_writer(tmp_path, Clock(), max_bytes=4, backups=1)
    writer.feed(b"009\n")
    writer.close()
    assert read_all(tmp_path) == b"008\n009\n"
    assert sorted(path.name for path in tmp_path.glob("*.idx*")) == ["stdout.idx", "stdout.idx.1"]


def test_an_unwritable_folder_counts_what_was_dropped_and_comes_back(tmp_path: Path) -> None:
    """A file stands where the folder should be: works as any user, on any system."""
    folder, clock = tmp_path / "qwen", Clock()
    folder.write_bytes(b"in the way")
    writer = make_writer(folder, clock)
    writer.feed(b"lost 1\n")
    clock.now += 0.5
    writer.feed(b"lost 2\nkept ")
    assert writer.fault() != ""
    assert writer.take_gaps() == []
    folder.unlink()
    clock.now += 1.0
    writer.feed(b"whole\n")
    (gap,) = writer.take_gaps()
    assert (gap.dropped_bytes, gap.since, gap.until) == (14, 1000.0, 1001.5)
    assert writer.fault() == ""
    assert read_all(folder) == b"kept whole\n"


FULL_DISK = """
import resource, sys
sys.path.insert(0, {root!r})
from engine.logs.writer import RotatingWriter
now = [1000.0]
writer = RotatingWriter({folder!r}, "stderr", 10_000, 2, lambda: now[0], wall=lambda: now[0])
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
line = b"123456789\\n"
for _ in range(100):
    writer.feed(line)
now[0] += 1.0
writer.feed(line)
assert writer.fault() and not writer.take_gaps()
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
now[0] += 1.0
writer.feed(b"back again\\n")
assert not writer.fault()
print([gap.dropped_bytes for gap in writer.take_gaps()])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_full_disk_drops_counts_and_resumes_and_the_reader_draws_the_gap(tmp_path: Path) -> None:
    """A file size limit stands for the disk: the kernel refuses the same write in the same way, for any user."""
    program = FULL_DISK.format(root=str(ROOT), folder=str(tmp_path / "qwen"))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    kept = read_all(tmp_path / "qwen", "stderr")
    assert kept == b"123456789\n" * 50 + b"back again\n"
    assert done.stdout == "[510]\n"
    lines = read_tail(tmp_path / "qwen", 3, Stream.STDERR)
    assert [(line.is_gap, line.ts) for line in lines] == [(False, 1000.0), (True, 1002.0), (False, 1002.0)]
    assert "510 bytes" in lines[1].text
    assert lines[2].text == "back again"


def test_the_keeper_imports_the_writer_without_anything_heavy() -> None:
    """Each of these costs the keeper a tenth to a half of a megabyte."""
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import engine.logs.writer; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    heavy = {"re", "json", "logging", "dataclasses", "enum", "typing", "pathlib", "inspect", "ctypes", "subprocess"}
    assert "engine.logs.writer" in done.stdout.split()
    assert not heavy & set(done.stdout.split())


def test_a_deleted_folder_is_made_again_also_while_nothing_is_written(tmp_path: Path) -> None:
    folder, clock = tmp_path / "logs" / "qwen", Clock()
    writer = make_writer(folder, clock)
    writer.feed(b"before\n")
    shutil.rmtree(folder.parent)
    clock.now += 1.0
    writer.look_after()
    assert (folder / "stdout.log").exists()
    assert writer.fault() == ""


def test_not_one_line_goes_into_a_deleted_file(tmp_path: Path) -> None:
    """The clock stands: the look once a second would come too late."""
    folder = tmp_path / "qwen"
    writer = make_writer(folder, Clock())
    writer.feed(b"before\n")
    shutil.rmtree(folder)
    writer.feed(b"after\n")
    assert read_all(folder) == b"after\n"
    assert not writer.take_gaps()


def test_a_fault_in_which_nothing_was_written_ends_without_a_gap_in_the_log(tmp_path: Path) -> None:
    folder, clock = tmp_path / "qwen", Clock()
    folder.write_bytes(b"in the way")
    writer = make_writer(folder, clock)
    writer.look_after()
    assert "directory" in writer.fault()
    folder.unlink()
    clock.now += 1.0
    writer.look_after()
    assert writer.fault() == ""
    assert [gap.dropped_bytes for gap in writer.take_gaps()] == [0]
    writer.feed(b"first\n")
    assert [(line.text, line.is_gap) for line in read_tail(folder, 5)] == [("first", False)]


def test_what_a_disk_refuses_to_the_end_is_counted(tmp_path: Path) -> None:
    folder, clock = tmp_path / "qwen", Clock()
    folder.write_bytes(b"in the way")
    writer = make_writer(folder, clock)
    writer.feed(b"lost\nand an unfinished line")
    writer.close()
    assert [gap.dropped_bytes for gap in writer.take_gaps()] == [27]


ROTATE_FOR_EVER = """
import sys
sys.path.insert(0, {root!r})
from engine.logs.writer import RotatingWriter
writer = RotatingWriter({folder!r}, "stdout", 300, 4)
number = {first}
while True:
    writer.feed(b"".join(b"line %06d\\n" % one for one in range(number, number + 7)))
    number += 7
    print(number, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_a_writer_killed_at_any_moment_of_a_rotation_leaves_one_run_of_whole_pieces(tmp_path: Path) -> None:
    """Rotating all the time, killed at random: nothing twice, nothing out of order, nothing but the oldest missing."""
    chance = random.Random(3)  # noqa: S311 - moments, not secrets
    told = 0
    for _ in range(12):
        kept = re.findall(rb"line (\d+)\n", read_all(tmp_path))
        first = int(kept[-1]) + 1 if kept else 0
        program = ROTATE_FOR_EVER.format(root=str(ROOT), folder=str(tmp_path), first=first)
        with subprocess.Popen([sys.executable, "-I", "-S", "-c", program], stdout=subprocess.PIPE) as running:
            assert running.stdout is not None
            enough = first + chance.randrange(40, 900)
            while told < enough:
                told = int(running.stdout.readline())
            running.kill()
            told = max([told, *map(int, running.stdout.read().split(b"\n")[:-1])])
        data = read_all(tmp_path)
        numbers = [int(one) for one in re.findall(rb"line (\d{6})\n", data)]
        assert b"".join(b"line %06d\n" % one for one in numbers) == data
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert numbers[-1] + 1 >= told
        assert len(data) <= 300 * 5
        assert len(list_pieces(tmp_path)) <= 5
        lines = read_tail(tmp_path, 1000)
        assert [line.text for line in lines] == [f"line {one:06}" for one in numbers]
        assert all(line.ts is not None for line in lines[25:])
