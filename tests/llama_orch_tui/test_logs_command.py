"""`logs` as a person types it: without a supervisor, from the files alone."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.logs.writer import RotatingWriter
from engine.times import format_time
from tests.engine.logs.support import Clock, make_writer
from tests.fakes.homes import ThrowAwayHome, program_line, throw_away_home, wait_for

LINES = [f"line {number}" for number in range(300)]


@pytest.fixture
def den() -> Iterator[ThrowAwayHome]:
    with throw_away_home() as made:
        yield made


@pytest.fixture
def folder(den: ThrowAwayHome) -> Path:
    """The log folder of an instance that is configured no more."""
    made = den.home.instance_logs("qwen")
    made.mkdir(parents=True)
    return made


@pytest.fixture
def writer(folder: Path) -> RotatingWriter:
    """Its writer, which has rotated its three hundred numbered lines many times."""
    made = make_writer(folder, Clock(1_700_000_000.0), stream="stderr", max_bytes=500, backups=50)
    made.feed("".join(f"{line}\n" for line in LINES).encode())
    return made


@pytest.mark.usefixtures("writer")
def test_the_newest_hundred_lines_are_shown_across_rotated_files(den: ThrowAwayHome) -> None:
    done = den.run_cli("logs", "qwen")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == LINES[-100:]


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(("-n", "3"), LINES[-3:], id="so many"),
        pytest.param(("-n", "0"), [], id="none"),
        pytest.param(("-n", "all"), LINES, id="all"),
        pytest.param(("--grep", "9$", "-n", "2"), ["line 289", "line 299"], id="the newest that match"),
        pytest.param(("--since", "2023-11-14T22:13:20Z"), LINES, id="all since a time"),
        pytest.param(("--since", "2023-11-14T22:13:20Z", "-n", "2"), LINES[-2:], id="the newest since a time"),
        pytest.param(("--since", "10m"), [], id="a span"),
        pytest.param(("--stream", "stdout"), [], id="the other stream"),
        pytest.param(("--stream", "stderr", "-n", "1"), LINES[-1:], id="this stream"),
    ],
)
def test_options_choose_the_lines(den: ThrowAwayHome, options: tuple[str, ...], expected: list[str]) -> None:
    done = den.run_cli("logs", "qwen", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == expected


def test_json_tells_time_stream_and_line_and_marks_gaps(den: ThrowAwayHome, folder: Path) -> None:
    clock = Clock(1_700_000_000.0)
    out, err = (make_writer(folder, clock, stream=stream, max_bytes=1000) for stream in ("stdout", "stderr"))
    err.feed(b"second: \xff \x1b[31m\n")
    out.feed(b"first\n")
    folder.rename(folder.with_name("away"))
    folder.write_bytes(b"in the way")
    clock.now += 1.0
    out.feed(b"lost\n")
    folder.unlink()
    folder.with_name("away").rename(folder)
    clock.now += 1.0
    out.feed(b"third\n")
    done = den.run_cli("logs", "qwen", "--json")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"ts": format_time(1_700_000_000.0), "stream": "stdout", "line": "first"},
        {"ts": format_time(1_700_000_000.0), "stream": "stderr", "line": "second: \ufffd ␛[31m"},
        {
            "ts": format_time(1_700_000_002.0),
            "stream": "stdout",
            "line": "… 5 bytes are missing here: they could not be written",
            "gap": True,
        },
        {"ts": format_time(1_700_000_002.0), "stream": "stdout", "line": "third"},
    ]


def test_raw_gives_the_bytes_of_files_of_another_origin(den: ThrowAwayHome, folder: Path) -> None:
    older, newer = b"from before\r\n\xff\xfe\x1b[31m\n", b"x" * 200_000 + b"\nno end"
    (folder / "stderr.log.1").write_bytes(older)
    (folder / "stderr.log").write_bytes(newer)
    target = den.home.state_dir / "printed"
    with target.open("wb") as file:
        subprocess.run(
            program_line("logs", "qwen", "--raw", "-n", "all"), env=den.environment(), stdout=file, check=True
        )
    assert target.read_bytes() == older + newer


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(("qwn",), 13, "qwn: no such instance; did you mean qwen?", id="unknown"),
        pytest.param(("../logs/qwen",), 13, "../logs/qwen: no such instance", id="a path"),
        pytest.param(("qwen", "--grep", "("), 2, "--grep (: no regular expression: missing )", id="pattern"),
        pytest.param(("qwen", "--since", "soon"), 2, "soon: not a time; give 2026-01-31T12", id="time"),
        pytest.param(("qwen", "-n", "-1"), 2, "give a number from 0 on, or all", id="count"),
        pytest.param(("qwen", "--json", "--raw"), 2, "give one of them", id="bytes in JSON"),
        pytest.param(("qwen", "--stream", "stdin"), 2, "'stdout', 'stderr', 'both'", id="stream"),
    ],
)
def test_what_cannot_be_meant_says_what_is_wrong_and_the_fix(
    den: ThrowAwayHome, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = den.run_cli("logs", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr


def test_an_instance_that_has_not_run_yet_says_so(den: ThrowAwayHome) -> None:
    den.write_fakes("new")
    done = den.run_cli("logs", "new")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "new: no log yet; it begins with the first line that the instance writes\n"


def test_a_log_is_shown_under_a_configuration_that_cannot_be_read(den: ThrowAwayHome, folder: Path) -> None:
    den.write_config("this is = = no TOML")
    (folder / "stderr.log").write_bytes(b"still here\n")
    done = den.run_cli("logs", "qwen")
    assert (done.returncode, done.stdout) == (0, "still here\n")


def test_what_cannot_be_read_is_said_without_a_trace(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    den.home.logs_dir.mkdir()
    den.home.instance_logs("a").write_bytes(b"a file where the folder should be")
    done = den.run_cli("logs", "a")
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be read: Not a directory; make it readable" in done.stderr
    assert "Traceback" not in done.stderr


def test_following_sees_every_line_once_through_rotations_and_ends_with_ctrl_c(
    den: ThrowAwayHome, writer: RotatingWriter
) -> None:
    program = den.start_cli("logs", "qwen", "-f", "-n", "2")
    assert program.stdout is not None
    seen = [program.stdout.readline(), program.stdout.readline()]
    for start in range(300, 700, 40):
        writer.feed("".join(f"line {number}\n" for number in range(start, start + 40)).encode())
        seen += [program.stdout.readline() for _ in range(40)]
    writer.feed(b"an unfinished line")
    writer.flush_pending()
    program.send_signal(signal.SIGINT)
    rest, said = program.communicate(timeout=15)
    assert (program.returncode, said) == (0, "")
    assert [*seen, rest] == [*(f"line {number}\n" for number in range(298, 700)), "an unfinished line\n"]


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("-n", "all"), id="much to say"),
        pytest.param(("-n", "1"), id="little"),
        pytest.param(("-f",), id="silence"),
    ],
)
def test_a_reader_that_goes_ends_it_without_a_word(den: ThrowAwayHome, options: tuple[str, ...]) -> None:
    """Also a follower that has nothing more to print."""
    program = den.start_cli("logs", "qwen", *options)
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.read(1)
    program.stdout.close()
    wait_for(lambda: program.poll() is not None, "it ends")
    assert (program.returncode, program.stderr.read()) == (0, "")
    den.programs.remove(program)
    program.stderr.close()


@pytest.mark.usefixtures("writer")
def test_output_that_cannot_be_written_is_said(den: ThrowAwayHome) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with full.open("wb") as file:
        done = subprocess.run(
            program_line("logs", "qwen"), env=den.environment(), stdout=file, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr.decode() == "the output cannot be written: No space left on device; send it somewhere else\n"


def test_text_is_valid_utf_8_whatever_the_locale_says(den: ThrowAwayHome, folder: Path) -> None:
    (folder / "stderr.log").write_bytes("€ \udcff\n".encode("utf-8", "surrogateescape"))
    done = subprocess.run(
        program_line("logs", "qwen"),
        env=den.environment() | {"PYTHONIOENCODING": "latin-1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert done.stdout.decode() == "€ \ufffd\n"
