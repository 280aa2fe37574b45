"""The dashboard lends its terminal to a pager, and has it back."""

from __future__ import annotations

import sys

import pytest

from tests.fakes.homes import ThrowAwayHome, wait_for
from tests.fakes.waiting import wait_until

assert sys.platform != "win32"  # terminals are POSIX

from tests.fakes.terminal import Terminal  # noqa: E402 - after the type checker was told

TRIES = 20


def test_in_a_real_terminal_the_pager_reads_the_log_and_the_dashboard_comes_back(
    den: ThrowAwayHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = den.home.state_dir / "read"
    pager = den.home.state_dir / "pager"
    pager.write_text(f"#!/bin/sh\nexec cat > {read}\n")
    pager.chmod(0o700)
    den.write_fakes("a")
    monkeypatch.setenv("PAGER", str(pager))
    with Terminal(["-m", "llama_orch_tui"], den.environment()) as terminal:
        wait_for(lambda: den.leader_pid() == terminal.program.pid, "the dashboard leads")
        assert den.run_cli("start", "a", "--wait").returncode == 0
        terminal.until_shown("listening on")
        terminal.press("l")
        terminal.until_shown("Search")
        terminal.forget()
        terminal.press("P")
        wait_for(lambda: read.exists() and "listening on" in read.read_text(), "the pager has read it")
        for _ in range(TRIES):
            terminal.press("e")  # what is typed before the screen is back is lost
            if wait_until(lambda: "Show log" in terminal.text(), 1.0):
                break
        terminal.until_shown("Show log")
