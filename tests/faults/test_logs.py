"""Logs outlive whoever watches: nothing lost when leaders are killed, and what a full disk took is in the events."""

from __future__ import annotations

import json
import random
import sys

from engine import get_recent_events
from engine.snapshots import Act, EventQuery, EventType, Level, State
from tests.engine.logs.support import list_pieces, read_all
from tests.fakes.full_disk import FULL_BYTES, full_disk
from tests.fakes.homes import ThrowAwayHome, act, command_server, is_gone, kill, seen, wait_for, wait_for_state

WRITE_SLOWLY = """
import os, sys, time
data = memoryview(open(sys.argv[1], "rb").read())
sizes = [7, 3000, 1, 64000, 12000]
turn = 0
while data:
    done = os.write(1 + turn % 2, data[:sizes[turn % len(sizes)]])
    data = data[done:]
    turn += 1
    time.sleep(0.004)
"""


def test_no_byte_is_lost_repeated_or_reordered_while_leaders_are_killed(den: ThrowAwayHome) -> None:
    """Random bytes on both streams through hundreds of rotations, with one leader after the other killed meanwhile."""
    content = random.Random(9).randbytes(6_000_000)  # noqa: S311 - no secret
    source = den.home.state_dir / "content"
    source.write_bytes(content)
    argv = json.dumps([sys.executable, "-I", "-S", "-c", WRITE_SLOWLY, str(source)])
    den.write_config(
        f'[instances.a]\ncommand = {argv}\n[instances.a.healthcheck]\ntype = "none"\n'
        '[instances.a.restart_policy]\npolicy = "never"\n'
        "[instances.a.logs]\nmax_size_mb = 0.05\nbackups = 200\n"
    )
    daemon = den.start_daemon()
    assert den.run_cli("start", "a").returncode == 0
    (keeper,) = den.find_keepers()
    killed_while_writing = 0
    while not is_gone(keeper):
        kill(daemon.pid)
        daemon.wait()
        killed_while_writing += not is_gone(keeper)
        daemon = den.start_daemon()
    assert killed_while_writing >= 1
    expected = split_as_written(content)
    folder = den.home.instance_logs("a")
    for stream, data in expected.items():
        assert len(list_pieces(folder, stream)) > 50
        assert read_all(folder, stream) == data


def split_as_written(content: bytes) -> dict[str, bytes]:
    """What `WRITE_SLOWLY` writes to either stream: a write to a pipe that blocks is whole."""
    parts: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    position = turn = 0
    sizes = [7, 3000, 1, 64000, 12000]
    while position < len(content):
        size = sizes[turn % len(sizes)]
        parts["stderr" if turn % 2 else "stdout"].append(content[position : position + size])
        position += size
        turn += 1
    return {stream: b"".join(pieces) for stream, pieces in parts.items()}


def test_a_full_disk_is_an_event_when_it_begins_and_a_gap_when_it_ends(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    session = den.open_session()
    act(session, Act.START)
    one = wait_for_state(session, "a", State.READY)

    def told(kind: EventType) -> bool:
        return any(event.type is kind for event in session.snapshot().events)

    with full_disk(one.keeper_pid or 0):
        command_server(one.port or 0, do="lines", count=1000)
        wait_for(lambda: told(EventType.FAULT), "the fault is an event")
        assert seen(session, "a").state is State.READY
    wait_for(lambda: told(EventType.GAP), "the gap is an event")
    den.close_session(session)
    stored = [
        event
        for event in get_recent_events(den.home.state_file, EventQuery())
        if event.type in {EventType.FAULT, EventType.GAP}
    ]
    assert [(event.instance, event.type, event.level) for event in stored] == [
        ("a", EventType.FAULT, Level.ERROR),
        ("a", EventType.GAP, Level.ERROR),
    ]
    meta = dict(stored[1].meta)
    assert (meta["stream"], meta["reason"]) == ("stderr", "File too large")
    assert f"{meta['dropped_bytes']:,} bytes" in stored[1].message


def test_a_gap_while_nobody_watched_is_an_event_of_the_next_leader(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    daemon = den.start_daemon()
    assert den.run_cli("start", "a", "--wait").returncode == 0
    one = den.ps()["instances"]["a"]
    kill(daemon.pid)
    log = den.home.instance_logs("a") / "stderr.log"
    with full_disk(one["keeper_pid"]):
        command_server(one["port"], do="lines", count=1000)
        wait_for(lambda: log.stat().st_size == FULL_BYTES, "the disk is full")
    command_server(one["port"], do="exit", code=0)
    wait_for(lambda: is_gone(one["keeper_pid"]), "the run is over")
    den.open_session()

    def find_gaps() -> list[str]:
        return [
            event.message
            for event in get_recent_events(den.home.state_file, EventQuery())
            if event.type is EventType.GAP
        ]

    (gap,) = wait_for(find_gaps, "the gap is an event")
    assert "bytes of its stderr were lost: File too large" in gap
