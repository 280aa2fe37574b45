"""A custom check: a program that is executed, read within bounds, and killed with its children at its time-out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import Future

import psutil

from engine.health.answers import Answer, ProbeResult
from engine.health.chores import Chores
from engine.health.http_call import OUR_TROUBLE, tidy
from engine.health.targets import ProbeTarget
from engine.process import system

KEPT_OUTPUT = 4096
"""Bytes of its output that are kept, the last ones."""
PIECE = 64 * 1024
PIECES_AT_ONCE = 16
FIRST_LOOK_S = 0.002
LOOK_GROWTH = 1.5
LONGEST_LOOK_S = 0.05
"""A running script is looked at ever more rarely, up to this period: no system tells of an end in the same way."""
KILL_LIMIT_S = 0.1


class CustomProbe:
    """Execute a script that is told host, port and name in its environment; exit code 0 is healthy."""

    def __init__(self, chores: Chores) -> None:
        self._chores = chores

    async def check(self, target: ProbeTarget) -> ProbeResult:
        """Execute once; killed with its children when it takes too long."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(target.timeout_s):
                script = await self._execute(target)
                try:
                    return _conclude(target, await _follow(script), script.returncode, time.perf_counter() - began)
                finally:
                    end_script(script)
        except TimeoutError:
            detail = f"{target.script}: not done in {target.timeout_s:g} s"
            return ProbeResult(Answer.SILENT, time.perf_counter() - began, detail)
        except OSError as error:
            answer = Answer.UNASKED if error.errno in OUR_TROUBLE else Answer.WRONG
            return ProbeResult(answer, time.perf_counter() - began, f"{target.script}: {error.strerror}")

    async def _execute(self, target: ProbeTarget) -> subprocess.Popen[bytes]:
        """The running script; one whose start nobody waits for any more is ended as soon as it runs."""
        job = self._chores.submit(lambda: _spawn(target))
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            job.add_done_callback(_end_late)
            raise


def _environment(target: ProbeTarget) -> Mapping[str, str]:
    named = {
        "LLAMA_ORCH_NAME": target.name,
        "LLAMA_ORCH_HOST": target.host,
        "LLAMA_ORCH_PORT": str(target.port or ""),
    }
    return {**os.environ, **target.env, **named}


def _spawn(target: ProbeTarget) -> subprocess.Popen[bytes]:
    """Beside the loop: executing waits for the program's file, which may lie on a dead file server."""
    script = subprocess.Popen(
        [target.script],
        env=_environment(target),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if sys.platform != "win32" else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    if sys.platform != "win32" and script.stdout is not None:  # on Windows no pipe can be read without waiting
        os.set_blocking(script.stdout.fileno(), False)
    return script


async def _follow(script: subprocess.Popen[bytes]) -> bytes:
    """Wait for its end; what it said last."""
    said = b""
    pause_s = FIRST_LOOK_S
    while script.poll() is None:
        said = _read(script, said)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * LOOK_GROWTH, LONGEST_LOOK_S)
    return _read(script, said)


def _read(script: subprocess.Popen[bytes], said: bytes) -> bytes:
    """`said` with what came since, cut to its end; a script that talks without end is slowed, not stored."""
    if script.stdout is None:
        return said
    for _ in range(PIECES_AT_ONCE):
        try:
            piece = os.read(script.stdout.fileno(), PIECE)
        except BlockingIOError:
            break
        if not piece:
            break
        said = (said + piece)[-KEPT_OUTPUT:]
    return said


def end_script(script: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a script, collect it and close its output. One that has ended keeps its children."""
    if script.poll() is None:
        _kill_tree(script.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):  # stuck inside the kernel: collected with a later script
            script.wait(KILL_LIMIT_S)
    if script.stdout is not None:
        script.stdout.close()


def _kill_tree(leader: int) -> None:
    """Kill an uncollected script and all in its session: a shell or `timeout` gives children groups of their own."""
    system.kill_session(leader)
    if sys.platform != "win32":
        for pid in psutil.pids():
            with contextlib.suppress(OSError):
                if os.getsid(pid) == leader:
                    os.kill(pid, signal.SIGKILL)


def _end_late(job: Future[subprocess.Popen[bytes]]) -> None:
    if not job.cancelled() and job.exception() is None:
        end_script(job.result())


def _conclude(target: ProbeTarget, output: bytes, code: int | None, latency_s: float) -> ProbeResult:
    said = tidy(os.fsdecode(output), target.api_key)
    answer = Answer.HEALTHY if code == 0 else Answer.LOADING
    return ProbeResult(answer, latency_s, f"exit code {code}{said and ': ' + said}")
