from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest

from engine.health.answers import Answer
from engine.health.probes import check_once
from engine.health.targets import ProbeKind, ProbeTarget
from tests.fakes.waiting import wait_until


def _script(folder: Path, *lines: str) -> str:
    path = folder / "check.sh"
    path.write_text("\n".join(["#!/bin/sh", *lines]))
    path.chmod(0o755)
    return str(path)


def _target(script: str, **values: object) -> ProbeTarget:
    return ProbeTarget("x", ProbeKind.CUSTOM, "127.0.0.1", 8080, script=script, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(("code", "answer"), [(0, Answer.HEALTHY), (3, Answer.LOADING)])
def test_the_exit_code_decides_and_the_output_is_kept(tmp_path: Path, code: int, answer: Answer) -> None:
    result = check_once(_target(_script(tmp_path, "echo one", "echo two >&2", f"exit {code}")))
    assert (result.answer, result.detail) == (answer, f"exit code {code}: one two")


def test_a_script_is_told_whom_to_ask(tmp_path: Path) -> None:
    script = _script(tmp_path, 'echo "$LLAMA_ORCH_NAME $LLAMA_ORCH_HOST $LLAMA_ORCH_PORT $MINE"; exit 1')
    assert "x 127.0.0.1 8080 own" in check_once(_target(script, env={"MINE": "own"})).detail


@pytest.mark.parametrize("first", ["", "set -m"], ids=["one group", "each child a group of its own"])
def test_a_script_that_takes_too_long_is_killed_with_its_children(tmp_path: Path, first: str) -> None:
    pids = tmp_path / "pids"
    script = _script(tmp_path, first, f"sleep 1000 & echo $$ $! > {pids}", "wait")
    began = time.monotonic()
    result = check_once(_target(script, timeout_s=0.5))
    assert (result.answer, time.monotonic() - began < 15.0) == (Answer.SILENT, True)
    assert "not done in 0.5 s" in result.detail
    for pid in map(int, pids.read_text().split()):
        assert wait_until(lambda pid=pid: not psutil.pid_exists(pid) or _is_zombie(pid))  # type: ignore[misc]


def test_a_child_that_holds_the_output_open_keeps_nobody_waiting(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    began = time.monotonic()
    result = check_once(_target(_script(tmp_path, f"sleep 20 & echo $! > {pids}", "echo done")))
    os.kill(int(pids.read_text()), 9)
    assert (result.answer, result.detail) == (Answer.HEALTHY, "exit code 0: done")
    assert time.monotonic() - began < 15.0


def test_endless_output_is_read_and_not_stored(tmp_path: Path) -> None:
    before = psutil.Process().memory_info().rss
    result = check_once(_target(_script(tmp_path, "exec yes"), timeout_s=0.5))
    assert result.answer is Answer.SILENT
    assert psutil.Process().memory_info().rss - before < 20e6


def test_the_last_of_a_long_output_is_kept_short(tmp_path: Path) -> None:
    detail = check_once(_target(_script(tmp_path, "seq 100000", "echo the end", "exit 1"))).detail
    assert len(detail) < 300


def test_a_script_that_cannot_be_executed_says_why(tmp_path: Path) -> None:
    result = check_once(_target(str(tmp_path / "none")))
    assert (result.answer, result.detail) == (Answer.WRONG, f"{tmp_path}/none: No such file or directory")


def test_a_script_that_repeats_the_key_does_not_give_it_away(tmp_path: Path) -> None:
    detail = check_once(_target(_script(tmp_path, "echo key is sekret", "exit 1"), api_key="sekret")).detail
    assert detail == "exit code 1: key is ***"


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
