"""A console without a screen, on a clock that a test can set: leads or follows like a dashboard, or asks for one act.

``python -P headless.py`` supervises until SIGTERM; ``python -P headless.py start NAME…`` asks like the command line.
The file named by `CLOCK_VARIABLE` holds the seconds (a C double) by which every such console's wall clock is off, as
they share the clock of one machine.
"""

from __future__ import annotations

import faulthandler
import mmap
import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import engine
from engine.clock import Clock
from engine.errors import EngineError
from engine.snapshots import Act, LeaderKind, Target

CLOCK_VARIABLE = "LORCH_TEST_CLOCK"
OFFSET = struct.Struct("d")
OPEN_LIMIT_S = 5.0
ANSWER_LIMIT_S = 60.0
LOOK_PERIOD_S = 0.2


def open_clock(path: Path) -> Clock:
    """A clock whose wall time is off by what the file says at that very moment."""
    with path.open("rb") as file:
        offset = mmap.mmap(file.fileno(), OFFSET.size, access=mmap.ACCESS_READ)
    return Clock(wall=lambda: time.time() + float(OFFSET.unpack(offset[:])[0]))


def set_clock(path: Path, offset_s: float) -> None:
    """Put the wall clock of all consoles `offset_s` seconds off, in one step."""
    if not path.exists():
        path.write_bytes(OFFSET.pack(offset_s))
    with path.open("r+b", buffering=0) as file:
        file.write(OFFSET.pack(offset_s))


def supervise(home: engine.Home, clock: Clock) -> int:
    """Lead or follow until SIGTERM; SIGUSR1 has every thread say where it is."""
    if sys.platform != "win32":
        faulthandler.register(signal.SIGUSR1)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    session = engine.Session(home, LeaderKind.DASHBOARD, "0-test", clock=clock)
    session.open()
    while not stop.wait(LOOK_PERIOD_S):
        pass  # a signal that woke another thread is handled now
    session.close()
    return 0


def ask(home: engine.Home, clock: Clock, act: Act, names: tuple[str, ...]) -> int:
    """Ask for one act, leading for it when nobody else does; the exit code."""
    scope = engine.find_scope(engine.load_config(home.config_file, os.environ), names)
    session = engine.Session(home, LeaderKind.CLI, "0-test", clock=clock, scope=scope)
    session.open()
    try:
        session.wait_until_open(OPEN_LIMIT_S)
        outcome = session.submit(act, Target(names)).result(ANSWER_LIMIT_S)
        print(outcome.message, flush=True)
        return outcome.exit_code
    except EngineError as error:
        print(error, file=sys.stderr, flush=True)
        return int(error.exit_code)
    finally:
        session.close()


def main(arguments: Sequence[str]) -> int:
    """Run the program."""
    home = engine.find_home(os.environ)
    clock = open_clock(Path(os.environ[CLOCK_VARIABLE])) if CLOCK_VARIABLE in os.environ else Clock()
    return ask(home, clock, Act(arguments[0]), tuple(arguments[1:])) if arguments else supervise(home, clock)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
