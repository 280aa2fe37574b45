"""Who lives in a home, as the process table tells it: nothing here asks the engine."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import psutil

from engine.paths import HOME_VARIABLE, RUN_VARIABLE, Home
from tests.fakes.homes import FAKE_SERVER, is_fork_server

WATCH_PERIOD_S = 0.1
OVERLAP_S = 0.1
"""Two runs of one name seen together for so long are two servers, and no end seen late."""


class Role(StrEnum):
    """What a process with a token is."""

    KEEPER = "keeper"
    SERVER = "server"
    """Grandchildren included."""
    FORK_SERVER = "fork server"
    """A leader's; it is of no run."""


@dataclass(frozen=True, slots=True)
class Member:
    """One process of one run."""

    process: psutil.Process
    role: Role
    name: str
    run_id: str

    def is_alive(self) -> bool:
        """True while it runs; not for a zombie, nor for another process with its PID."""
        try:
            return self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def __str__(self) -> str:
        return f"{self.name} {self.role} {self.process.pid} (run {self.run_id})"


def take_census(home: Home) -> list[Member]:
    """Every living process that carries an instance token of this home."""
    return [member for process in psutil.process_iter() if (member := _look(home, process)) and member.is_alive()]


def _look(home: Home, process: psutil.Process) -> Member | None:
    try:
        environment = process.environ()
        if environment.get(HOME_VARIABLE) != str(home.state_dir) or RUN_VARIABLE not in environment:
            return None
        if is_fork_server(process):
            return Member(process, Role.FORK_SERVER, "", "")
        name, _, run_id = environment[RUN_VARIABLE].rpartition(":")
        role = Role.SERVER if str(FAKE_SERVER) in process.cmdline() else Role.KEEPER
        return Member(process, role, name, run_id)
    except (psutil.Error, OSError):
        return None


def find_doubles(members: Iterable[Member]) -> dict[str, list[Member]]:
    """The servers of every name that has servers of more than one run."""
    servers: defaultdict[str, list[Member]] = defaultdict(list)
    for member in members:
        if member.role is Role.SERVER:
            servers[member.name].append(member)
    return {name: found for name, found in servers.items() if len({one.run_id for one in found}) > 1}


class Watchman:
    """Looks for two servers of one name, all the time, on a thread of its own."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._is_over = threading.Event()
        self.alarm = threading.Event()
        """Set when there were two."""
        self.seen: list[str] = []
        self._thread = threading.Thread(target=self._run, name="watchman", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Go home."""
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(WATCH_PERIOD_S):
            doubles = find_doubles(take_census(self._home))
            if doubles and not self._is_over.wait(OVERLAP_S):
                found = find_doubles(one for some in doubles.values() for one in some if one.is_alive())
                for name, members in found.items():
                    self.seen.append(f"two servers of {name}: {', '.join(map(str, members))}")
                    self.alarm.set()
