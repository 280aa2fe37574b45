"""What the benchmarks measure with: processor time, memory, terminals, peers where there are any, rows of ratios."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

assert sys.platform != "win32"  # tells the type checker which half of the world this is

ROOT = Path(__file__).parents[2]
PEERS_VARIABLE = "LORCH_BENCH_PEERS"
"""A further folder of programs to look for peers in, such as the ``bin`` of a virtual environment."""
SCREEN_SIZE = (60, 200)


def print_ratio(name: str, value: float, unit: str, limit: float | None = None, *, is_floor: bool = False) -> None:
    """One row; with a limit, how the value stands to it (above 1 misses it, or below 1 when it is a floor)."""
    bound = ""
    if limit is not None:
        meets = value >= limit if is_floor else value <= limit
        word = "at least" if is_floor else "limit"
        bound = f"   {word} {limit:g} {unit}, ratio {value / limit:.2f}{'' if meets else '   MISSED'}"
    print(f"{name:<38} {value:9.2f} {unit}{bound}", flush=True)


def print_spread(name: str, values_ms: Sequence[float], limit_ms: float | None = None) -> None:
    """Percentiles in milliseconds; the limit is for the 99th, or for the worst of fewer than a hundred."""
    ordered = sorted(values_ms)
    is_many = len(ordered) >= 100
    high = statistics.quantiles(ordered, n=100)[98] if is_many else ordered[-1]
    print_ratio(f"{name}, {'p99' if is_many else 'worst'} of {len(ordered)}", high, "ms", limit_ms)
    print_ratio(f"{name}, p50", statistics.median(ordered), "ms")


def find_peer(name: str) -> str | None:
    """Where a peer is installed; None, and a line about it, when it is not."""
    folders = [os.environ.get(PEERS_VARIABLE, ""), os.environ.get("PATH", os.defpath)]
    found = shutil.which(name, path=os.pathsep.join(folder for folder in folders if folder))
    if found is None:
        print(f"{name:<38} not installed, left out", flush=True)
    return found


def wait_until(condition: Callable[[], object], what: str, limit_s: float = 60.0, step_s: float = 0.001) -> None:
    """Ask again and again until it is so.

    Raises:
        AssertionError: it never was.
    """
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"not within {limit_s:g} s: {what}"
        time.sleep(step_s)


# -- processes


def time_run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> tuple[float, float]:
    """Milliseconds of one whole process: on the clock, and of the processor."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{command}: {process.returncode}"
    return (time.perf_counter() - began) * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def read_cpu_s(pid: int) -> float:
    """Processor seconds that a process itself has taken."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def read_private_mb(pid: int) -> float:
    """Megabytes of memory that a process shares with nobody."""
    return psutil.Process(pid).memory_full_info().uss / 1e6


# -- terminals


@contextlib.contextmanager
def terminal(
    command: list[str], extra: Mapping[str, str], size: tuple[int, int] = SCREEN_SIZE
) -> Iterator[tuple[int, int]]:
    """A program in a terminal of its own, of `size` lines and columns: its PID and the terminal; ended politely."""
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **extra}
    environment["PYTHONPATH"] = str(ROOT)
    pid, screen = pty.fork()
    if pid == 0:
        os.execve(command[0], command, environment)  # noqa: S606 - no shell is the point
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    try:
        yield pid, screen
    finally:
        with contextlib.suppress(ProcessLookupError):  # ended by a key
            os.kill(pid, signal.SIGTERM)
        with contextlib.suppress(OSError):  # EIO: the other end has closed
            while os.read(screen, 1 << 16):
                continue
        os.waitpid(pid, 0)
        os.close(screen)


def wait_for_words(screen: int, words: bytes, limit_s: float = 30.0) -> None:
    """Read until these words come.

    Raises:
        AssertionError: they did not.
    """
    seen = b""
    end = time.monotonic() + limit_s
    while words not in seen:
        left = end - time.monotonic()
        assert left > 0, f"{words!r} did not come in {limit_s:.0f} s: {seen[-300:]!r}"
        if select.select([screen], [], [], left)[0]:
            seen = seen[-4096:] + os.read(screen, 1 << 16)


def drain_for(screen: int, seconds: float) -> None:
    """Read whatever comes for so long."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([screen], [], [], left)[0]:
            try:
                os.read(screen, 1 << 16)
            except OSError:  # EIO: the other end has closed
                return
