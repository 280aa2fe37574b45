"""What `--wait` shows: a line that is redrawn on a terminal, plain lines for everything else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

from engine.snapshots import InstanceSnapshot, State
from llama_orch_tui.progress import describe_progress
from tests.fakes.homes import program_line, throw_away_home

assert sys.platform != "win32"  # tells the type checker which half of the world this is


def test_all_is_said_in_one_line() -> None:
    seen = [
        InstanceSnapshot("a", state=State.READY),
        InstanceSnapshot("b", state=State.LOADING, progress=0.42),
        InstanceSnapshot("c", state=State.WAITING),
    ]
    assert describe_progress(seen) == "1 of 3 ready · b loading 42 % · c waiting"


def test_a_script_gets_one_plain_line_for_each_change_and_nothing_on_stdout_but_the_outcome() -> None:
    with throw_away_home() as home:
        home.write_fakes("a", flags=("--load-seconds", "1"))
        done = home.run_cli("start", "a", "--wait")
        assert (done.returncode, done.stdout) == (0, "a: started\n")
        assert done.stderr.splitlines()[-1] == "a: ready"
        assert "\x1b" not in done.stdout + done.stderr


def test_a_terminal_gets_a_line_that_is_redrawn_and_gone_at_the_end() -> None:
    with throw_away_home() as home:
        home.write_fakes("a", flags=("--load-seconds", "1"))
        reading, terminal = pty.openpty()
        with subprocess.Popen(
            program_line("start", "a", "--wait"),
            env={**home.environment(), "COLUMNS": "80"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=terminal,
        ) as program:
            os.close(terminal)
            told = read_all(reading)
        os.close(reading)
        assert program.returncode == 0
        assert "\r\x1b[2K0 of 1 ready · a loading" in told
        assert told.endswith("\r\x1b[2K")


def read_all(terminal: int) -> str:
    data = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # EIO: the other end has closed
            return data.decode()
        if not piece:
            return data.decode()
        data += piece
