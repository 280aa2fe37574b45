"""From kill -9 of a server to the leader knowing it, and to its replacement listening.

Prints percentiles over 300 kills of a tiny server (the stand-in of the tests), in milliseconds, beside the limits:
known (the leader has judged the end and told it) 10 ms at p99, replacement executed 60 ms at p99. Published is when
listeners have it: at most ten times a second, so up to 100 ms later when something else was published just before.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

from engine import Session, find_home
from engine.snapshots import Act, EventType, InstanceSnapshot, LeaderKind, Snapshot, Target

assert sys.platform != "win32"  # tells the type checker which half of the world this is

from benchmarks.ruler import print_spread  # noqa: E402 - after the type checker was told

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 300
"""Fewer by the first argument, for a quick look."""
KNOWN_LIMIT_MS = 10.0
EXECUTED_LIMIT_MS = 60.0
CONFIG = """
[instances.victim]
command = ["{python}", "-I", "-S", "{server}", "--port", "{{port}}"]
[instances.victim.restart_policy]
max_retries = 1000000
initial_delay = 0.0
reset_after = 0.0
"""


def main() -> None:
    """Kill, watch, print."""
    server = Path(__file__).resolve().parents[1] / "tests" / "fakes" / "server.py"
    with tempfile.TemporaryDirectory(prefix="lorch-bench-") as folder:
        Path(folder, "config.toml").write_text(CONFIG.format(python=sys.executable, server=server))
        session = Session(find_home({"LLAMA_ORCH_HOME": folder}), LeaderKind.CLI, "bench")
        session.open()
        session.wait_until_open(5.0)
        heard: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
        session.subscribe(heard.put)
        session.submit(Act.START, Target(("victim",))).result(10.0)
        try:
            samples = [_kill_once(session, heard) for _ in range(KILLS)]
        finally:
            session.close(stop_instances=True)
    limits = (("known", KNOWN_LIMIT_MS), ("published", None), ("executed", EXECUTED_LIMIT_MS), ("listens", None))
    for (name, limit), values in zip(limits, zip(*samples, strict=True), strict=True):
        print_spread(name, values, limit)


def _kill_once(session: Session, heard: queue.SimpleQueue[Snapshot]) -> tuple[float, float, float, float]:
    """Milliseconds from the kill to known (the event), to published, to executed (the keeper's clock), to listening."""
    victim = _wait_for(session, 0)
    _connect(victim.port or 0)
    time.sleep(0.15)  # past the last publication: the next one is not held back
    while not heard.empty():
        heard.get()
    assert victim.pid is not None
    wall, began = time.time(), time.perf_counter()
    os.kill(victim.pid, signal.SIGKILL)
    while True:
        seen = heard.get(timeout=10.0).find("victim")
        if seen is not None and seen.pid != victim.pid:
            break
    published = time.perf_counter() - began
    fresh = seen if seen.pid else _wait_for(session, victim.pid)
    _connect(fresh.port or 0)
    listens = time.perf_counter() - began
    told = [one.ts for one in session.snapshot().events if one.type is EventType.EXITED]
    return (told[-1] - wall) * 1000, published * 1000, ((fresh.started_at or 0.0) - wall) * 1000, listens * 1000


def _wait_for(session: Session, old_pid: int) -> InstanceSnapshot:
    while True:
        seen = session.snapshot().find("victim")
        if seen is not None and seen.pid not in (None, old_pid):
            return seen
        time.sleep(0.001)


def _connect(port: int) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            time.sleep(0.001)
        else:
            return


if __name__ == "__main__":
    main()
