"""Start 200 tiny servers at once, and stop them: seconds until the request is answered and every process is as wanted.

The servers are ``sleep``, a C program, unprobed. Medians of 3 rounds beside the limits, 3 s and 1 s; and what memory a
keeper has of its own while all of them run. What peers take for 200 servers, measured elsewhere on 2 cores, stands in
docs/performance.md.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time

assert sys.platform != "win32"  # tells the type checker which half of the world this is

from benchmarks.ruler import print_ratio, read_private_mb, wait_until  # noqa: E402 - after the type checker was told
from engine import Session  # noqa: E402 - likewise
from engine.snapshots import Act, Target  # noqa: E402 - likewise
from tests.fakes.homes import throw_away_home  # noqa: E402 - likewise

INSTANCES = int(sys.argv[1]) if len(sys.argv) > 1 else 200
ROUNDS = 3
LIMIT_START_S = 3.0
LIMIT_STOP_S = 1.0
LIMIT_KEEPER_MB = 6.0


def main() -> None:
    """Start, stop, print."""
    command = json.dumps([shutil.which("sleep"), "1000000"])
    with throw_away_home() as home:
        home.write_config(
            "\n".join(
                f'[instances.i{number:03}]\ncommand = {command}\nhealthcheck.type = "none"'
                for number in range(INSTANCES)
            )
        )
        session = home.open_session()
        starts, stops, keepers_mb = [], [], []
        for _ in range(ROUNDS):
            starts.append(_act(session, Act.START, INSTANCES))
            keepers_mb += [read_private_mb(one.keeper_pid or 0) for one in session.snapshot().instances]
            stops.append(_act(session, Act.STOP, 0))
    print_ratio(f"start {INSTANCES}", statistics.median(starts), "s", LIMIT_START_S)
    print_ratio(f"stop {INSTANCES}", statistics.median(stops), "s", LIMIT_STOP_S)
    print_ratio("a keeper's own memory", statistics.median(keepers_mb), "MB", LIMIT_KEEPER_MB)


def _act(session: Session, kind: Act, running: int) -> float:
    """Seconds until so many run."""
    began = time.perf_counter()
    outcome = session.submit(kind, Target(everything=True)).result(120.0)
    assert outcome.exit_code == 0, outcome.message
    wait_until(lambda: sum(one.pid is not None for one in session.snapshot().instances) == running, f"{running} run")
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
