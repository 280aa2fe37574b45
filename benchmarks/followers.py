"""How soon a follower knows and acts: a daemon leads, this process follows it as a second dashboard does.

Prints, over 300 kills of a tiny server (first argument: another number), the time from kill -9 to the follower's
snapshot that shows it; over 20 stops by the command line, the time from the stop as the leader dates it; beside the
limit of 300 ms. Then the time from asking for a restart to its answer, asked by the follower and by a leader itself.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import time

assert sys.platform != "win32"  # tells the type checker which half of the world this is

from benchmarks.ruler import print_spread  # noqa: E402 - after the type checker was told
from engine import ExitCode, Session  # noqa: E402 - likewise
from engine.snapshots import Act, EventType, InstanceSnapshot, Snapshot, Status, Target  # noqa: E402 - likewise
from tests.fakes.homes import ThrowAwayHome, fake_command, throw_away_home  # noqa: E402 - likewise

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 300
STOPS = 20
REQUESTS = 100
LIMIT_MS = 300.0
NAME = "victim"
TABLE = """
[instances.victim]
command = {command}
healthcheck.type = "none"
[instances.victim.restart_policy]
max_retries = 1000000
initial_delay = 0.0
reset_after = 0.0
"""


def main() -> None:
    """Follow, kill, stop, ask, print."""
    with throw_away_home() as home:
        home.write_config(TABLE.format(command=json.dumps(fake_command(port=""))))
        daemon = home.start_daemon()
        session = home.open_session()
        heard: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
        session.subscribe(heard.put)
        assert not session.snapshot().is_leader
        assert session.submit(Act.START, Target((NAME,))).result(10.0).exit_code == 0
        print_spread("kill -9 to the follower", [_kill_once(session, heard) for _ in range(KILLS)], LIMIT_MS)
        print_spread("stop by CLI to the follower", [_stop_once(home, heard) for _ in range(STOPS)], LIMIT_MS)
        assert session.submit(Act.START, Target((NAME,))).result(10.0).exit_code == 0
        print_spread("restart, asked by a follower", [_ask_once(session) for _ in range(REQUESTS)])
        daemon.send_signal(signal.SIGTERM)
        while not session.snapshot().is_leader:
            time.sleep(0.01)
        print_spread("restart, asked by the leader", [_ask_once(session) for _ in range(REQUESTS)])
        session.submit(Act.STOP, Target((NAME,))).result(10.0)


def _kill_once(session: Session, heard: queue.SimpleQueue[Snapshot]) -> float:
    """Milliseconds from the kill to a snapshot without that process."""
    victim = _wait_for_run(session)
    time.sleep(0.15)  # past the last publication: the next one is not held back
    while not heard.empty():
        heard.get()
    assert victim.pid is not None
    began = time.perf_counter()
    os.kill(victim.pid, signal.SIGKILL)
    while True:
        seen = heard.get(timeout=10.0).find(NAME)
        if seen is not None and seen.pid != victim.pid:
            return (time.perf_counter() - began) * 1000


def _stop_once(home: ThrowAwayHome, heard: queue.SimpleQueue[Snapshot]) -> float:
    """Milliseconds from the event of the stop to a snapshot that shows it."""
    assert home.run_cli("start", NAME).returncode in (0, ExitCode.ALREADY_RUNNING)
    while not heard.empty():
        heard.get()
    stopping = home.start_cli("stop", NAME)
    while True:
        snapshot = heard.get(timeout=30.0)
        seen = snapshot.find(NAME)
        if seen is not None and seen.status is Status.STOPPED:
            shown = time.time()
            break
    assert stopping.wait(30.0) == 0
    dated = [event.ts for event in snapshot.events if event.type is EventType.STOPPED]
    return (shown - dated[-1]) * 1000


def _ask_once(session: Session) -> float:
    _wait_for_run(session)
    began = time.perf_counter()
    outcome = session.submit(Act.RESTART, Target((NAME,))).result(10.0)
    assert outcome.exit_code == 0, outcome.message
    return (time.perf_counter() - began) * 1000


def _wait_for_run(session: Session) -> InstanceSnapshot:
    while True:
        seen = session.snapshot().find(NAME)
        if seen is not None and seen.pid is not None and seen.status is Status.RUNNING:
            return seen
        time.sleep(0.001)


if __name__ == "__main__":
    main()
