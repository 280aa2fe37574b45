"""`lorch ps` from start to end in a fresh process, over 20 instances: all stopped, all running unled, and led.

Prints medians beside the limit (250 ms, warm byte code), a bare Python, and what its command line parser and its
validation cost whoever imports them. Processor time stands beside the clock's: it tells a slow program from a busy
machine.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Mapping, Sequence

assert sys.platform != "win32"  # tells the type checker which half of the world this is

from benchmarks.ruler import ROOT, print_ratio, time_run  # noqa: E402 - after the type checker was told
from tests.fakes.homes import portless_table, program_line, throw_away_home  # noqa: E402 - likewise

RUNS = 15
INSTANCES = 20
LIMIT_MS = 250.0
FLOOR = "import typer, pydantic"


def main() -> None:
    """Run, print."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(ROOT)
    _print_row("bare Python", [sys.executable, "-c", "pass"], environment)
    _print_row(FLOOR, [sys.executable, "-c", FLOOR], environment)
    with throw_away_home() as home:
        environment |= home.home.environment()
        home.write_config("\n".join(portless_table(f"i{number:02}") for number in range(INSTANCES)))
        assert home.run_cli("start", "i00").returncode == 0  # makes the database
        assert home.run_cli("stop", "i00").returncode == 0
        command = program_line("ps")
        _print_row(f"ps, {INSTANCES} stopped, no leader", command, environment, LIMIT_MS)
        assert home.run_cli("start", "--all").returncode == 0
        _print_row(f"ps, {INSTANCES} running, no leader", command, environment, LIMIT_MS)
        home.start_daemon()
        _print_row(f"ps, {INSTANCES} running, a daemon leads", command, environment, LIMIT_MS)


def _print_row(
    name: str, command: Sequence[str], environment: Mapping[str, str], limit_ms: float | None = None
) -> None:
    time_run(command, environment)  # warms caches
    walls, cpus = zip(*(time_run(command, environment) for _ in range(RUNS)), strict=True)
    print_ratio(name, statistics.median(walls), "ms", limit_ms)
    print(f"{'':<38} {statistics.median(cpus):9.2f} ms of processor; quickest {min(walls):.0f} ms", flush=True)


if __name__ == "__main__":
    main()
