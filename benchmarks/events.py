"""Questions to a long event log: how long each takes out of 10 million events (or as many as the argument says).

Prints percentiles over 300 random questions of each kind, connection included as a screen or command asks, beside the
limit of 10 ms at p99; then what an event costs to write, and how long others wait while old ones expire.
"""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.snapshots import Event, EventQuery, EventType, Level
from engine.state.events import PIECE, Retention, cleanup_old_events, get_recent_events
from engine.state.store import open_store

assert sys.platform != "win32"  # tells the type checker which half of the world this is

from benchmarks.ruler import print_spread  # noqa: E402 - after the type checker was told

EVENTS = 10_000_000
SAMPLES = 300
WRITES = 2000
LIMIT_MS = 10.0
PAGE = 200
INSTANCES = [f"model-{number}" for number in range(50)]
QUIET = "quiet"
"""An instance with a handful of events among the millions."""
LIFE_S = 7 * 86400.0
BEGAN = 1_700_000_000.0
COMMON = (EventType.REQUESTED, EventType.STARTED, EventType.LOADING, EventType.READY, EventType.STOPPED)
LOUD = (EventType.EXITED, EventType.UNHEALTHY, EventType.FAILED, EventType.RESTARTING)
RARE = EventType.GAP
LOUD_SHARE = 0.05
META = json.dumps({"exit_code": 1, "signal": None, "intent": "", "last_lines": ["one line of a log", "and another"]})


def main() -> None:
    """Fill, ask, print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    draw = random.Random(1)  # noqa: S311 - the same questions each time
    with tempfile.TemporaryDirectory(prefix="lorch-bench-") as folder:
        path = Path(folder, "state.sqlite")
        began = time.perf_counter()
        _fill(path, count, draw)
        size_mb = path.stat().st_size / 1e6
        print(f"{count} events, {size_mb:.0f} MB, made in {time.perf_counter() - began:.0f} s")
        for name, build in _questions(draw).items():
            print_spread(name, [_time(path, build()) for _ in range(SAMPLES)], LIMIT_MS)
        _measure_writes(path)
        _measure_expiry(path, count)


def _fill(path: Path, count: int, draw: random.Random) -> None:
    """In bulk, with the indexes made afterwards: the same file in a tenth of the time."""
    store = open_store(path)
    if store is None:
        raise SystemExit(f"{path}: not made")
    store.close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -400000")
        found = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'events' AND sql IS NOT NULL"
        indexes = connection.execute(found).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO events (ts, instance, level, type, message, meta) VALUES (?, ?, ?, ?, ?, ?)",
            _invent(count, draw),
        )
        connection.execute("COMMIT")
        for _, sql in indexes:
            connection.execute(sql)


def _invent(count: int, draw: random.Random) -> Iterator[tuple[float, str | None, str, str, str, str]]:
    step_s = LIFE_S / count
    for number in range(count):
        ts = BEGAN + number * step_s
        if number % (count // 10) == 0:
            yield ts, QUIET, Level.ERROR.value, RARE.value, "4711 bytes of its log could not be written", META
        elif draw.random() < LOUD_SHARE:
            level = draw.choice((Level.WARNING, Level.ERROR)).value
            yield ts, draw.choice(INSTANCES), level, draw.choice(LOUD).value, "PID 4711 ended: exit code 1", META
        else:
            yield ts, draw.choice(INSTANCES), Level.INFO.value, draw.choice(COMMON).value, "ready after 2.1 s", "{}"


def _questions(draw: random.Random) -> dict[str, Callable[[], EventQuery]]:
    def instance() -> str:
        return draw.choice(INSTANCES)

    def since() -> float:
        return BEGAN + draw.random() * LIFE_S * 0.9

    def hour(**wanted: object) -> EventQuery:
        begin = since()
        return EventQuery(since=begin, until=begin + 3600.0, limit=PAGE, **wanted)  # type: ignore[arg-type]

    return {
        "newest page": lambda: EventQuery(limit=PAGE),
        "newest of an instance": lambda: EventQuery(instance=instance(), limit=PAGE),
        "newest of a quiet one": lambda: EventQuery(instance=QUIET, limit=PAGE),
        "an hour": hour,
        "an instance's hour": lambda: hour(instance=instance()),
        "errors": lambda: EventQuery(level=Level.ERROR, limit=PAGE),
        "warnings in an hour": lambda: hour(level=Level.WARNING),
        "an instance's errors": lambda: EventQuery(instance=instance(), level=Level.ERROR, limit=PAGE),
        "an instance's warnings, hour": lambda: hour(instance=instance(), level=Level.WARNING),
        "a common type": lambda: EventQuery(type=EventType.READY, limit=PAGE),
        "a rare type": lambda: EventQuery(type=RARE, limit=PAGE),
        "a type that never was": lambda: EventQuery(type=EventType.ADOPTED, limit=PAGE),
        "an instance's type": lambda: EventQuery(instance=instance(), type=EventType.READY, limit=PAGE),
        "its rare type": lambda: EventQuery(instance=instance(), type=RARE, limit=PAGE),
        "a common type, quiet one": lambda: EventQuery(instance=QUIET, type=EventType.READY, limit=PAGE),
        "a type's errors": lambda: EventQuery(type=EventType.FAILED, level=Level.ERROR, limit=PAGE),
    }


def _time(path: Path, query: EventQuery) -> float:
    began = time.perf_counter()
    get_recent_events(path, query)
    return (time.perf_counter() - began) * 1000


def _measure_writes(path: Path) -> None:
    """One event, one transaction, as the writer of a quiet supervisor does it."""
    store = open_store(path)
    if store is None:
        raise SystemExit(f"{path}: gone")
    event = Event(BEGAN + LIFE_S, INSTANCES[0], Level.ERROR, EventType.EXITED, "PID 4711 ended", (("exit_code", 1),))
    times = []
    for _ in range(WRITES):
        began = time.perf_counter()
        with store.transaction():
            store.add_event(event)
        times.append((time.perf_counter() - began) * 1000)
    store.close()
    print_spread("one event written", times)


def _measure_expiry(path: Path, count: int) -> None:
    """A writer beside the deletion of a tenth of everything (a million rows at most)."""
    waits: list[float] = []
    is_over = threading.Event()

    def write() -> None:
        store = open_store(path)
        if store is None:
            return
        event = Event(BEGAN + LIFE_S, INSTANCES[0], Level.INFO, EventType.READY, "ready")
        while not is_over.wait(0.01):
            began = time.perf_counter()
            with store.transaction():
                store.add_event(event)
            waits.append((time.perf_counter() - began) * 1000)
        store.close()

    writer = threading.Thread(target=write)
    writer.start()
    began = time.perf_counter()
    share = min(0.1, 1e6 / count)
    rows = cleanup_old_events(path, Retention(LIFE_S * (1 - share), 10**9), BEGAN + LIFE_S, threading.Event())
    took_s = time.perf_counter() - began
    is_over.set()
    writer.join()
    print(f"{rows} events expired in {took_s:.1f} s, {PIECE} at a time; beside them")
    print_spread("one event written", waits)


if __name__ == "__main__":
    main()
