"""From a key to the changed screen under load, and what an idle dashboard costs; both in a real pseudo-terminal.

Load: 200 instances of which every number changes every second, and one log that grows by 20,000 lines a second and is
shown. Prints p50, p99 and the worst of 300 keys, and the longest time in which the screen's own loop stood still.
Idle: 50 llama.cpp servers, probed every 10 s, with live numbers, after a minute of rest. Prints CPU (percent of a core)
and memory.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil

assert sys.platform != "win32"  # tells the type checker which half of the world this is

from benchmarks.ruler import drain_for, print_ratio, print_spread, terminal, wait_for_words  # noqa: E402 - after the type checker was told

KEYS = 300
INSTANCES = 200
LINES_PER_S = 20_000
WRITE_PERIOD_S = 0.01
LIMIT_P99_MS = 50.0
LIMIT_FRAME_MS = 100.0
SERVERS = 50
IDLE_S = 30.0
SETTLE_S = 8.0
AT_REST_S = 70.0
"""From then on ages are counted in minutes, and every server's first work is done."""
LIMIT_CPU = 1.5
LIMIT_MEMORY_MB = 80.0
LOOP_STEP_S = 0.01
START_LIMIT_S = 300.0


def main() -> None:
    """Measure and print; `--load` or `--idle` alone, too."""
    wanted = sys.argv[1:] or ["--load", "--idle"]
    if "--child" in wanted:
        show_restless(Path(wanted[-1]))
        return
    if "--load" in wanted:
        measure_keys()
    if "--idle" in wanted:
        measure_idle()


# -- under load


def measure_keys() -> None:
    """Press keys and wait for what they change."""
    with tempfile.TemporaryDirectory(prefix="lorch-bench-") as folder:
        writer = subprocess.Popen([sys.executable, "-c", WRITER, folder])
        try:
            with terminal([sys.executable, __file__, "--child", folder], {}) as (_pid, screen):
                wait_for_words(screen, b"i000: ")
                delays = _press_keys(screen)
        finally:
            writer.kill()
            writer.wait()
        stalls = json.loads(Path(folder, "stalls.json").read_text())
    print(f"{INSTANCES} instances changing every second, one log at {LINES_PER_S} lines/s, {len(delays)} keys")
    print_spread("key to screen", delays, LIMIT_P99_MS)
    print_ratio("key to screen, worst", max(delays), "ms")
    print_ratio("longest stall", stalls["longest_ms"], "ms", LIMIT_FRAME_MS)


def _press_keys(screen: int) -> list[float]:
    delays = []
    row, step = 0, 1
    chance = random.Random(7)  # noqa: S311 - pauses, no secrets
    for _ in range(KEYS):
        drain_for(screen, chance.uniform(0.02, 0.06))
        if not 0 <= row + step < INSTANCES:
            step = -step
        row += step
        began = time.perf_counter()
        os.write(screen, b"j" if step > 0 else b"k")
        wait_for_words(screen, f"i{row:03}: ".encode())
        delays.append((time.perf_counter() - began) * 1000)
    return delays


WRITER = f"""
import pathlib, sys, time
log = pathlib.Path(sys.argv[1], "logs", "i000")
log.mkdir(parents=True)
count = 0
with (log / "stderr.log").open("ab", buffering=0) as file:
    began = time.monotonic()
    while True:
        due = int((time.monotonic() - began) * {LINES_PER_S})
        file.write(b"".join(b"0.00.000.000 I srv  log_server_r: request %d of somebody, done 127.0.0.1 200\\n"
                            % number for number in range(count, due)))
        count = due
        time.sleep({WRITE_PERIOD_S})
"""


def show_restless(folder: Path) -> None:
    """The dashboard over an engine whose every number changes once a second; runs in the terminal."""
    from engine.loads import LlamaLoad  # noqa: PLC0415 - only the child needs them
    from engine.logs.view import LogViews  # noqa: PLC0415
    from engine.protocol import LogView  # noqa: PLC0415
    from engine.snapshots import Snapshot, State  # noqa: PLC0415
    from llama_orch_tui.app import ConsoleApp  # noqa: PLC0415
    from llama_orch_tui.collector import held  # noqa: PLC0415
    from llama_orch_tui.dashboard import tune  # noqa: PLC0415
    from tests.fakes.scenes import HOST, LEADING, instance  # noqa: PLC0415
    from tests.fakes.still_engine import StillEngine  # noqa: PLC0415

    views = LogViews()

    class Restless(StillEngine):
        """Changes by itself; every instance has the one busy log."""

        def open_log(self, name: str) -> LogView:  # type: ignore[override]
            return views.open(name, folder / "logs" / "i000")

    def build(second: int) -> Snapshot:
        rows = tuple(
            replace(
                instance(
                    f"i{number:03}",
                    State.READY,
                    port=8000 + number,
                    pid=10_000 + number,
                    uptime_s=second + number,
                    cpu=(second * 37 + number) % 800,
                    memory=(second * 13 + number) % 60,
                    model=f"model-{number}.gguf",
                    why=f"answers in {(second * 7 + number) % 90} ms",
                    tags=(f"group-{number % 9}",),
                ),
                load=LlamaLoad(float(second % 50), float((second * 11 + number) % 90), number % 5, 4, 0, second, 8192),
            )
            for number in range(INSTANCES)
        )
        return Snapshot(second, time.time(), LEADING, is_leader=True, instances=rows, host=HOST)

    engine = Restless(build(1))
    over = threading.Event()

    def change() -> None:
        second = 1
        while not over.wait(1.0):
            second += 1
            engine.publish(build(second))

    stalls: list[float] = []

    class Watched(ConsoleApp):
        """Notes how late its own loop is."""

        async def watch_loop(self) -> None:
            while True:
                began = time.perf_counter()
                await asyncio.sleep(LOOP_STEP_S)
                stalls.append((time.perf_counter() - began - LOOP_STEP_S) * 1000)

    app = Watched(engine)
    tune(app)
    app.call_after_refresh(lambda: app.run_worker(app.watch_loop()))
    threading.Thread(target=change, daemon=True).start()
    with held():
        app.run()
    over.set()
    views.close()
    settled = stalls[len(stalls) // 10 :]
    (folder / "stalls.json").write_text(json.dumps({"longest_ms": max(settled, default=0.0)}))


# -- idle


def measure_idle() -> None:
    """A dashboard over servers that have nothing to do."""
    from engine.models.tiny_gguf import cached_tiny_model  # noqa: PLC0415 - numpy, for this half only

    with tempfile.TemporaryDirectory(prefix="lorch-bench-") as folder:
        home = Path(folder)
        model = cached_tiny_model(home / "cache")
        tables = "".join(
            f'[instances.i{number:03}]\nmodel = "{model}"\nbinary = "embedded"\nport = "auto"\nthreads = 1\n'
            'parallel = 1\nctx_size = 256\nargs = ["--metrics"]\n'
            for number in range(SERVERS)
        )
        (home / "config.toml").write_text('[dashboard]\non_exit = "stop"\n' + tables)
        with terminal([sys.executable, "-m", "llama_orch_tui"], {"LLAMA_ORCH_HOME": folder}) as (pid, screen):
            wait_for_words(screen, b"i000")
            os.write(screen, b"as")
            try:
                wait_for_words(screen, f"{SERVERS} ready".encode(), START_LIMIT_S)
                drain_for(screen, AT_REST_S)
                cpu, memory = _watch(pid, screen)
            finally:
                os.write(screen, b"q")
                drain_for(screen, 1.0)
                os.write(screen, b"s")
                drain_for(screen, SETTLE_S)
    print(f"{SERVERS} idle llama.cpp servers, probed every 10 s, for {IDLE_S:.0f} s")
    print_ratio("processor", cpu, "% of a core", LIMIT_CPU)
    print_ratio("memory", memory, "MB", LIMIT_MEMORY_MB)


def _watch(pid: int, screen: int) -> tuple[float, float]:
    """Percent of a core and resident megabytes of one process, itself alone."""
    process = psutil.Process(pid)
    before, began = process.cpu_times(), time.monotonic()
    drain_for(screen, IDLE_S)
    after, took = process.cpu_times(), time.monotonic() - began
    used = after.user + after.system - before.user - before.system
    return 100 * used / took, process.memory_info().rss / 1e6


if __name__ == "__main__":
    main()
