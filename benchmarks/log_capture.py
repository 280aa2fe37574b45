"""What keeping a server's output costs: a child writes 400 MB in lines as fast as they are taken (first argument: MB).

The keeper beside supervisord, circus and s6-log, those that are installed, all rotating at 10 MB with 3 older files.
Prints MB/s as the child sees them, processor time per 20 MB and private memory of the process that writes the log,
and its processor time in 5 idle seconds after; medians of 3 rounds. Then how many of 60,000 lines are not in the log
after the leader is killed with -9 while they are written.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

assert sys.platform != "win32"  # tells the type checker which half of the world this is

from benchmarks.ruler import find_peer, print_ratio, read_cpu_s, read_private_mb, wait_until  # noqa: E402 - after the type checker was told
from tests.fakes.homes import throw_away_home  # noqa: E402 - likewise

MEGABYTES = int(sys.argv[1]) if len(sys.argv) > 1 else 400
ROUNDS = 3
LINES = 60_000
KILL_AFTER_LINES = 25_000
FILE_MB = 10
BACKUPS = 3
IDLE_S = 5.0
LIMIT_MEMORY_MB = 6.0
HALF = 0.5
"""The keeper's share of what supervisord takes."""
CHILD = """
import os, sys, time
folder, megabytes, lines = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def note(name, text):
    with open(f"{folder}/{name}.new", "w") as file:
        file.write(text)
    os.rename(f"{folder}/{name}.new", f"{folder}/{name}")
note("pid", str(os.getpid()))
while not os.path.exists(f"{folder}/go"):
    time.sleep(0.005)
began = time.perf_counter()
if lines:
    for number in range(lines):
        if number == lines * 5 // 12:
            note("middle", "")
        if number % 100 == 0:
            time.sleep(0.004)
        try:
            os.write(1, b"line %09d of what a server says while it is being watched\\n" % number)
        except OSError:
            break
else:
    block = b"slot update_slots: id  3 | task 4711 | prompt processing progress, n_tokens = 512\\n" * 50
    left = megabytes * 1000000
    while left > 0:
        left -= os.write(1, block[:left])
note("done", repr(time.perf_counter() - began))
time.sleep(600)
"""


@dataclass(frozen=True)
class Capture:
    """Something that keeps the child's output."""

    writer_pid: int
    """The process that writes the log."""
    leader_pid: int
    """Who is killed; 0 where there is nobody."""
    logs: Path


@dataclass(frozen=True)
class Cost:
    """What one round took."""

    rate_mb_s: float
    cpu_s: float
    """Per 20 MB."""
    memory_mb: float
    idle_cpu_s: float


Start = Callable[[Path, list[str]], AbstractContextManager[Capture]]


def main() -> None:
    """Measure everybody in turns, print."""
    peers: dict[str, Start] = {"keeper": _start_keeper}
    for name, make in (("supervisord", _start_supervisord), ("circusd", _start_circus), ("s6-log", _start_s6_log)):
        if (program := find_peer(name)) is not None:
            peers[name] = make(program)
    costs: dict[str, list[Cost]] = {name: [] for name in peers}
    for _ in range(ROUNDS):
        for name, start in peers.items():
            costs[name].append(_measure(start))
    rates = {name: statistics.median(one.rate_mb_s for one in found) for name, found in costs.items()}
    for name, found in costs.items():
        _print_costs(name, found, rates, HALF * _cpu_ms(costs["supervisord"]) if "supervisord" in costs else None)
    print(f"\nlines lost of {LINES} when the leader is killed with -9 while they are written")
    for name, start in peers.items():
        lost = _count_lost(start)
        if lost is not None:
            print_ratio(name, lost, "lines")


def _cpu_ms(found: list[Cost]) -> float:
    return statistics.median(one.cpu_s for one in found) * 1e3


def _print_costs(name: str, found: list[Cost], rates: dict[str, float], limit_cpu_ms: float | None) -> None:
    is_ours = name == "keeper"
    others = [rate for other, rate in rates.items() if other != "keeper"]
    print_ratio(name, rates[name], "MB/s", max(others) if is_ours and others else None, is_floor=True)
    print_ratio("", _cpu_ms(found), "CPU-ms per 20 MB", limit_cpu_ms if is_ours else None)
    print_ratio("", statistics.median(one.memory_mb for one in found), "MB", LIMIT_MEMORY_MB if is_ours else None)
    print_ratio("", statistics.median(one.idle_cpu_s for one in found), f"CPU-s in {IDLE_S:g} idle seconds")


@contextlib.contextmanager
def _child(megabytes: int, lines: int) -> Iterator[tuple[Path, list[str]]]:
    """A folder, and the command line of the child that writes into its pipe once ``go`` is there; it ends for sure."""
    with tempfile.TemporaryDirectory(prefix="lorch-bench-") as name:
        folder = Path(name)
        try:
            yield folder, [sys.executable, "-I", "-S", str(_write_child(folder)), name, str(megabytes), str(lines)]
        finally:
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                os.kill(int((folder / "pid").read_text()), signal.SIGKILL)


def _write_child(folder: Path) -> Path:
    program = folder / "child.py"
    program.write_text(CHILD)
    return program


def _measure(start: Start) -> Cost:
    with _child(MEGABYTES, 0) as (folder, command), start(folder, command) as capture:
        wait_until((folder / "pid").exists, "the child runs")
        before = read_cpu_s(capture.writer_pid)
        (folder / "go").touch()
        wait_until((folder / "done").exists, "everything is written", 300.0, 0.05)
        time.sleep(0.3)  # what the pipe still held
        after = read_cpu_s(capture.writer_pid)
        memory_mb = read_private_mb(capture.writer_pid)
        time.sleep(IDLE_S)
        idle_s = read_cpu_s(capture.writer_pid) - after
        took_s = float((folder / "done").read_text())
    return Cost(MEGABYTES / took_s, (after - before) * 20 / MEGABYTES, memory_mb, idle_s)


def _count_lost(start: Start) -> int | None:
    with _child(0, LINES) as (folder, command), start(folder, command) as capture:
        if not capture.leader_pid:
            return None
        wait_until((folder / "pid").exists, "the child runs")
        (folder / "go").touch()
        wait_until((folder / "middle").exists, f"{KILL_AFTER_LINES} lines are written")
        os.kill(capture.leader_pid, signal.SIGKILL)
        child = int((folder / "pid").read_text())
        wait_until(lambda: (folder / "done").exists() or not _is_running(child), "the child is done")
        time.sleep(0.5)
        kept = {
            line for path in capture.logs.glob("*") for line in path.read_bytes().split(b"\n") if line[:4] == b"line"
        }
    return LINES - len(kept)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# -- who keeps


@contextlib.contextmanager
def _start_keeper(_folder: Path, command: list[str]) -> Iterator[Capture]:
    with throw_away_home() as home:
        home.write_config(
            f"[instances.flood]\ncommand = {json.dumps(command)}\nhealthcheck.type = 'none'\n"
            f"restart_policy.policy = 'never'\nlogs.max_size_mb = {FILE_MB}\nlogs.backups = {BACKUPS}\n"
        )
        daemon = home.start_daemon()
        done = home.run_cli("start", "flood")
        assert done.returncode == 0, done.stderr
        seen = home.ps()["instances"]["flood"]
        yield Capture(seen["keeper_pid"], daemon.pid, home.home.instance_logs("flood"))


def _start_supervisord(program: str) -> Start:
    @contextlib.contextmanager
    def start(folder: Path, command: list[str]) -> Iterator[Capture]:
        config, logs = folder / "supervisord.conf", _make_logs(folder)
        config.write_text(
            f"[supervisord]\nnodaemon=true\nlogfile={folder}/own.log\npidfile={folder}/own.pid\n"
            f"[program:flood]\ncommand={' '.join(command)}\nredirect_stderr=true\nstartsecs=0\nautorestart=false\n"
            f"stdout_logfile={logs}/out.log\nstdout_logfile_maxbytes={FILE_MB}MB\nstdout_logfile_backups={BACKUPS}\n"
        )
        with _running([program, "-c", str(config)], folder) as pid:
            yield Capture(pid, pid, logs)

    return start


def _start_circus(program: str) -> Start:
    @contextlib.contextmanager
    def start(folder: Path, command: list[str]) -> Iterator[Capture]:
        config, logs = folder / "circus.ini", _make_logs(folder)
        config.write_text(
            f"[circus]\nendpoint = ipc://{folder}/a\npubsub_endpoint = ipc://{folder}/b\n"
            f"[watcher:flood]\ncmd = {command[0]}\nargs = {' '.join(command[1:])}\nrespawn = False\n"
            f"stdout_stream.class = FileStream\nstdout_stream.filename = {logs}/out.log\n"
            f"stdout_stream.max_bytes = {FILE_MB * 1_000_000}\nstdout_stream.backup_count = {BACKUPS}\n"
        )
        with _running([program, str(config)], folder) as pid:
            yield Capture(pid, pid, logs)

    return start


def _start_s6_log(program: str) -> Start:
    @contextlib.contextmanager
    def start(folder: Path, command: list[str]) -> Iterator[Capture]:
        logs = _make_logs(folder)
        read_end, write_end = os.pipe()
        with subprocess.Popen(command, stdout=write_end) as child:
            os.close(write_end)
            script = [program, f"n{BACKUPS}", f"s{FILE_MB * 1_000_000}", str(logs)]
            with subprocess.Popen(script, stdin=read_end) as logger:
                os.close(read_end)
                try:
                    yield Capture(logger.pid, 0, logs)
                finally:
                    child.kill()

    return start


def _make_logs(folder: Path) -> Path:
    logs = folder / "logs"
    logs.mkdir()
    return logs


@contextlib.contextmanager
def _running(command: list[str], folder: Path) -> Iterator[int]:
    with (folder / "told").open("w") as told:
        process = subprocess.Popen(command, stdout=told, stderr=told, cwd=folder)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
