"""A home under attack: its supervisors, what is asked of them, what is wanted, and every step written down."""

from __future__ import annotations

import contextlib
import heapq
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import IO

from engine.errors import ExitCode
from engine.snapshots import Act
from tests.fakes import headless
from tests.fakes.homes import ThrowAwayHome, fake_table, free_port, portless_table, throw_away_home
from tests.faults.chaos.census import Member, Role, Watchman, take_census

NAMES = ("a", "b", "c", "d")
NEEDS = {"a": (), "b": ("a",), "c": (), "d": ()}
"""What each depends on."""
CONSOLE = Path(headless.__file__)
ASK_LIMIT_S = 90.0
"""Longer than any command may take to say how it went."""


class Want(StrEnum):
    """What was asked for last."""

    RUNNING = "running"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    """Nobody could say: two asked at once, or whoever was asked died."""


@dataclass(slots=True)
class Asked:
    """An act under way."""

    act: Act
    names: frozenset[str]
    """All that it concerns, dependencies or dependents included."""
    program: subprocess.Popen[str]
    words: str
    is_contested: bool = False
    """Another act about the same came before this one was answered."""


@dataclass(slots=True)
class Broken:
    """What is out of order now, and goes back in order when the round ends at the latest."""

    repairs: list[tuple[float, int, str, Callable[[], object]]] = field(default_factory=list)
    """A heap by the moment at which each is due."""
    offset_s: float = 0.0
    """How far the consoles' clock is off."""
    faults: set[str] = field(default_factory=set)
    """The kinds of what was broken in this round."""


class Den:
    """Owned by one thread. Use `open_den`."""

    def __init__(self, throw_away: ThrowAwayHome, chance: Random, outside: Path) -> None:
        """`outside` is a folder for what must outlive a deleted home."""
        self.throw_away = throw_away
        self.home = throw_away.home
        self.chance = chance
        self.supervisors: list[subprocess.Popen[str]] = []
        self.consoles: list[subprocess.Popen[str]] = []
        """Those of them that are no daemon."""
        self.asked: list[Asked] = []
        self.wants = dict.fromkeys(NAMES, Want.STOPPED)
        self.exits: dict[str, int] = {}
        """Servers told to end with a code, by name."""
        self.broken = Broken()
        self.refusals = {int(ExitCode.DAEMON_ALREADY_RUNNING)}
        """With which a supervisor may end by itself: a daemon refuses beside a daemon."""
        self.ports = {name: free_port() for name in ("a", "b")}
        self.log: list[str] = []
        self._began = time.monotonic()
        self._outside = outside
        self._count = 0
        headless.set_clock(self.clock_file, 0.0)
        self.config = self._build_config()
        self.throw_away.write_config(self.config)
        self.watchman = Watchman(self.home)

    def _build_config(self) -> str:
        tables = [
            fake_table("a", port=str(self.ports["a"])),
            fake_table("b", port=str(self.ports["b"]), extra='depends_on = ["a"]'),
            fake_table("c", "--load-seconds", "0.3", "--spawn-grandchild"),
            portless_table("d"),
        ]
        return "\n".join(tables).replace("multiplier = 1.0", "multiplier = 1.0\nmax_retries = 1000")

    @property
    def clock_file(self) -> Path:
        """Where the consoles' clock is set."""
        return self._outside / "clock"

    # -- writing down

    def note(self, words: str) -> None:
        """Write a step down."""
        self.log.append(f"{time.monotonic() - self._began:8.3f} {words}")

    def pause(self, limit_s: float) -> None:
        """Let time pass, unless there are two servers of one name; carry out the repairs that fall due."""
        end = time.monotonic() + limit_s
        while (left_s := end - time.monotonic()) > 0:
            due = self.broken.repairs[0][0] - time.monotonic() if self.broken.repairs else left_s
            if self.watchman.alarm.wait(max(0.0, min(left_s, due))):
                return
            self.repair()

    # -- repairs

    def break_for(self, seconds: float, what: str, repair: Callable[[], object]) -> None:
        """Something is out of order; `repair` is called after so many seconds, or at the end of the round."""
        self._count += 1
        heapq.heappush(self.broken.repairs, (time.monotonic() + seconds, self._count, what, repair))

    def repair(self, *, everything: bool = False) -> None:
        """Mend what is due."""
        repairs = self.broken.repairs
        while repairs and (everything or repairs[0][0] <= time.monotonic()):
            _, _, what, repair = heapq.heappop(repairs)
            self.note(f"mended: {what}")
            repair()

    # -- supervisors

    def add_supervisor(self) -> None:
        """One more console: mostly one like a dashboard, at times the real daemon."""
        if self.broken.offset_s == 0.0 and self.chance.random() < 0.25:
            arguments, kind = [sys.executable, "-m", "llama_orch_tui", "daemon", "run"], "daemon"
        else:
            arguments, kind = [sys.executable, "-P", str(CONSOLE)], "console"
        program = self._spawn(arguments, kind)
        self.supervisors.append(program)
        if kind == "console":
            self.consoles.append(program)
        self.note(f"supervisor {program.pid} ({kind}) begins")

    def _spawn(self, arguments: list[str], kind: str) -> subprocess.Popen[str]:
        self._count += 1
        environment = self.throw_away.environment() | {headless.CLOCK_VARIABLE: str(self.clock_file)}
        with self._open_trace(f"{self._count:04d}-{kind}") as trace:
            program = subprocess.Popen(
                arguments,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=trace,
                stderr=trace,
                text=True,
                start_new_session=True,
            )
        (self._outside / f"{self._count:04d}-{kind}.out").rename(self._trace_path(program.pid))
        return program

    def _open_trace(self, name: str) -> IO[str]:
        return (self._outside / f"{name}.out").open("w", encoding="utf-8")

    def _trace_path(self, pid: int) -> Path:
        return self._outside / f"{pid}.out"

    def read_trace(self, pid: int) -> str:
        """What a supervisor or a command has printed."""
        return self._trace_path(pid).read_text(encoding="utf-8", errors="replace")

    def living_supervisors(self) -> list[subprocess.Popen[str]]:
        """Those that have not ended."""
        return [one for one in self.supervisors if one.poll() is None]

    def find_leader(self) -> subprocess.Popen[str] | None:
        """The leader, if it is one of our supervisors."""
        pid = self.throw_away.leader_pid()
        return next((one for one in self.living_supervisors() if one.pid == pid), None)

    # -- processes

    def pick(self, role: Role) -> Member | None:
        """Any process of this role."""
        found = sorted((one for one in take_census(self.home) if one.role is role), key=lambda one: one.process.pid)
        return self.chance.choice(found) if found else None

    # -- asking

    def ask(self, act: Act, *names: str) -> Asked:
        """Ask for an act as from another terminal; it is answered when it is."""
        asked_names = " ".join(names)
        if self.broken.offset_s == 0.0 and self.chance.random() < 0.5:
            arguments = [sys.executable, "-m", "llama_orch_tui", act.value, *names]
        else:
            arguments = [sys.executable, "-P", str(CONSOLE), act.value, *names]
        program = self._spawn(arguments, act.value)
        asked = Asked(act, closure(act, names), program, f"{act.value} {asked_names} ({program.pid})")
        for other in self.asked:
            if other.names & asked.names:
                other.is_contested = asked.is_contested = True
        self.asked.append(asked)
        self.note(f"asked: {asked.words}")
        return asked

    def collect(self, *, wait: bool = False) -> None:
        """Hear the answers that have come; with `wait` all of them.

        Raises:
            AssertionError: a command does not end, or says what no command may say.
        """
        for asked in list(self.asked):
            try:
                code = asked.program.wait(ASK_LIMIT_S if wait else 0.0)
            except subprocess.TimeoutExpired:
                assert not wait, f"unanswered within {ASK_LIMIT_S:g} s: {asked.words}"
                continue
            self.asked.remove(asked)
            self._take_answer(asked, code)

    def _take_answer(self, asked: Asked, code: int) -> None:
        said = self.read_trace(asked.program.pid).strip()
        self.note(f"answered: {asked.words}: {code}: {said}")
        assert "Traceback" not in said, said
        assert code in {0, 11, 20, 21, 22, 30, 31, 33, 34, 40}, f"{asked.words}: exit {code}: {said}"
        is_done = code in {0, 20} if asked.act is Act.STOP else code in {0, 21}
        is_sure = is_done and not asked.is_contested and not self.broken.faults & {"state", "clock"}
        for name in asked.names:
            told = Want.STOPPED if asked.act is Act.STOP else Want.RUNNING
            self.wants[name] = told if is_sure or self.wants[name] is told else Want.UNKNOWN


def closure(act: Act, names: tuple[str, ...]) -> frozenset[str]:
    """All that an act concerns: what is needed for a start, who needs it for a stop."""
    found = set(names)
    for name in NAMES * 2:
        if act is Act.STOP:
            found |= {name} if found & set(NEEDS[name]) else set()
        else:
            found |= set(NEEDS[name]) if name in found else set()
    return frozenset(found)


@contextlib.contextmanager
def open_den(chance: Random) -> Iterator[Den]:
    """A home for a few rounds; nothing of it is left at the end."""
    with throw_away_home() as throw_away, throw_away_home() as outside:
        den = Den(throw_away, chance, outside.home.state_dir)
        try:
            yield den
        finally:
            den.watchman.close()
            den.repair(everything=True)
            for program in (*den.supervisors, *(asked.program for asked in den.asked)):
                program.kill()
                program.wait()


def hold_database(path: Path) -> Callable[[], None]:
    """Lock the database against everybody; call the result to let go. Nothing where there is no database."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None, timeout=1.0)
    except sqlite3.Error:
        return lambda: None
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error:
        connection.close()
        return lambda: None
    return connection.close


def hold_port(port: int) -> Callable[[], None]:
    """Listen on a port that is somebody else's; call the result to let go.

    Raises:
        OSError: its owner has it still.
    """
    thief = socket.socket()
    thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        thief.bind(("127.0.0.1", port))
        thief.listen()
    except OSError:
        thief.close()
        raise
    return thief.close
