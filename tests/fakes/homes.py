"""Throw-away homes: a configuration, consoles and servers that are all gone when the test ends.

Everything that a home starts carries its token in the environment, so that nothing can hide from the end of the test.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar

import psutil

from engine.paths import HOME_VARIABLE, Home, find_home
from engine.process.forking import Forks
from engine.session import Session
from engine.snapshots import Act, InstanceSnapshot, LeaderKind, Outcome, State, Target
from llama_orch_tui import __version__

FAKE_SERVER = Path(__file__).with_name("server.py")
DEADLINE_S = 15.0
POLL_S = 0.005

T = TypeVar("T")


def wait_for(condition: Callable[[], T | None], what: str, within_s: float = DEADLINE_S) -> T:
    """The first true value of `condition`, asked again and again.

    Raises:
        AssertionError: there was none within `within_s` seconds; the message is `what`, and the last value.
    """
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what} (last: {value!r})"
        time.sleep(POLL_S)
    return value


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def is_alive(pid: int) -> bool:
    """True while the process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_gone(pid: int) -> bool:
    """True when the process has ended."""
    return not is_alive(pid)


def kill(pid: int, number: int = 9) -> None:
    """Send a signal, SIGKILL if none is named; the process may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def fake_command(*flags: str, port: str = "{port}") -> list[str]:
    """The stand-in server's program and arguments."""
    return [sys.executable, "-I", "-S", str(FAKE_SERVER), *(("--port", port) if port else ("--no-bind",)), *flags]


def command_server(port: int, **command: object) -> None:
    """Have a stand-in server carry out a command."""
    ask(port, "/command", command)


def ask(port: int, path: str = "/health", body: object = None, within_s: float = 5.0) -> tuple[int, str]:
    """Status and body of one answer.

    Raises:
        OSError: nobody listens, or nobody answers.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=within_s)
    try:
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class ThrowAwayHome:
    """One home in a short folder of its own. Use `throw_away_home`, which ends everything."""

    def __init__(self, folder: Path) -> None:
        self.home: Home = find_home({HOME_VARIABLE: str(folder)})
        self.sessions: list[Session] = []
        self.programs: list[subprocess.Popen[str]] = []
        self.children: list[int] = []
        """Keepers started by this very process, to be collected."""
        self.forks: Forks | None = None
        """Where this very process's keepers are forked; None while they are spawned."""
        self.open_things = contextlib.ExitStack()
        """Closed before everything else."""

    # -- the configuration

    def write_config(self, text: str) -> None:
        """Replace config.toml."""
        self.home.config_file.write_text(text, encoding="utf-8")

    def write_fakes(self, *names: str, flags: tuple[str, ...] = (), extra: str = "", port: str = "") -> None:
        """Replace config.toml by stand-in servers of these names; `extra` goes into each one's table."""
        self.write_config("\n".join(fake_table(name, *flags, extra=extra, port=port) for name in names))

    # -- consoles

    def open_session(self, kind: LeaderKind = LeaderKind.DASHBOARD) -> Session:
        """A console's engine in this process, leading or following."""
        session = Session(self.home, kind, __version__)
        self.sessions.append(session)
        session.open()
        session.wait_until_open(DEADLINE_S)
        return session

    def close_session(self, session: Session) -> None:
        """End a console in good order; the servers run on."""
        self.sessions.remove(session)
        session.close()

    def environment(self) -> dict[str, str]:
        """What leads a program to this home."""
        return os.environ | {HOME_VARIABLE: str(self.home.state_dir), "PYTHONWARNINGS": "error", "NO_COLOR": "1"}

    def run_cli(
        self,
        *arguments: str,
        within_s: float = 60.0,
        tree: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run one command of the real program to its end; `tree` holds another release of it.

        `environ` goes over the usual environment.
        """
        if tree is None and environ is None and sys.platform != "win32":
            from tests.fakes.quick_cli import find_server  # noqa: PLC0415 - not everywhere

            return find_server().run(list(arguments), self.environment(), within_s)
        return subprocess.run(
            program_line(*arguments),
            cwd=tree,
            env={**self.environment(), **(environ or {})},
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def start_cli(
        self, *arguments: str, tree: Path | None = None, output: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """Start one command of the real program, in a session of its own as from another terminal.

        `tree` holds another release of it; `output` is a descriptor in place of a pipe to us.
        """
        program = subprocess.Popen(
            program_line(*arguments),
            cwd=tree,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.programs.append(program)
        return program

    def start_daemon(self, tree: Path | None = None) -> subprocess.Popen[str]:
        """A leader in a process of its own; returns when it leads (nobody else must, but of an older release)."""
        program = self.start_cli("daemon", "run", tree=tree)
        wait_for(lambda: self.leader_pid() == program.pid, "the daemon leads")
        return program

    def leader_pid(self) -> int | None:
        """The PID of the leader, as it answers; None when nobody does."""
        from engine.following import connect_leader, read_leader  # noqa: PLC0415 - only some tests need it

        connection = connect_leader(self.home)
        if connection is None:
            return None
        connection.close()
        leader = read_leader(self.home)
        return leader.pid if leader else None

    def ps(self) -> dict[str, Any]:
        """What `ps --json` prints, with the instances by name."""
        done = self.run_cli("ps", "--json")
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told | {"instances": {one["name"]: one for one in told["instances"]}}

    # -- processes

    def find_processes(self) -> list[psutil.Process]:
        """Every living process that carries this home's token, this one and leaders' fork servers never."""
        return [one for one in self._find_carriers() if not is_fork_server(one)]

    def find_fork_servers(self) -> list[int]:
        """PIDs of the fork servers of this home's leaders."""
        return [one.pid for one in self._find_carriers() if is_fork_server(one)]

    def _find_carriers(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                environment = process.environ()
            except (psutil.Error, OSError):
                continue
            if environment.get(HOME_VARIABLE) == str(self.home.state_dir) and process.pid != os.getpid():
                found.append(process)
        return found

    def find_servers(self) -> list[int]:
        """PIDs of the stand-in servers of this home (and their grandchildren)."""
        return [one.pid for one in self.find_processes() if str(FAKE_SERVER) in _command_line(one)]

    def find_keepers(self) -> list[int]:
        """PIDs of the keepers of this home."""
        return [one.pid for one in self.find_processes() if any("keeper.py" in part for part in _command_line(one))]

    def close(self) -> None:
        """End everything that carries the token, and see that nothing is left.

        Raises:
            AssertionError: a process outlived even the kill.
        """
        try:
            self.open_things.close()
            for session in self.sessions:
                session.close()
            wait_for(self._kill_all, "every process of the home is gone")
        finally:
            for program in self.programs:
                program.communicate(timeout=DEADLINE_S)
            for child in self.children:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(child, 0)
            shutil.rmtree(self.home.state_dir, ignore_errors=True)

    def _kill_all(self) -> bool:
        processes = self._find_carriers()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return not processes


@contextlib.contextmanager
def throw_away_home() -> Iterator[ThrowAwayHome]:
    """A home whose processes and files are gone at the end."""
    made = ThrowAwayHome(Path(tempfile.mkdtemp(prefix="lorch-test-")))
    try:
        yield made
    finally:
        made.close()


def fake_table(name: str, *flags: str, extra: str = "", port: str = "") -> str:
    """The table of one stand-in server: probed often, stopped soon.

    Its port is a free one of its own: two homes that look for a port at the same moment may find the same.
    """
    command = json.dumps(fake_command(*flags))
    return (
        f"[instances.{name}]\ncommand = {command}\nport = {port or free_port()}\nstop_grace = 2.0\n{extra}\n"
        f"[instances.{name}.healthcheck]\ninterval = 0.2\ntimeout = 2.0\n"
        f"[instances.{name}.restart_policy]\ninitial_delay = 0.05\nmultiplier = 1.0\n"
    )


def portless_table(name: str) -> str:
    """The table of a stand-in server that listens nowhere and is not probed: no port keeps two of them apart."""
    command = json.dumps(fake_command(port=""))
    return (
        f'[instances.{name}]\ncommand = {command}\nstop_grace = 2.0\nhealthcheck.type = "none"\n'
        f"[instances.{name}.restart_policy]\ninitial_delay = 0.05\nmultiplier = 1.0\n"
    )


def act(session: Session, kind: Act, *names: str, within_s: float = DEADLINE_S) -> Outcome:
    """Ask for an act on these (none: everything) and wait for its outcome."""
    future: Future[Outcome] = session.submit(kind, Target(names, everything=not names))
    return future.result(within_s)


def seen(session: Session, name: str) -> InstanceSnapshot:
    """An instance as it was last published."""
    return session.snapshot().find(name) or InstanceSnapshot(name)


def wait_for_state(session: Session, name: str, *states: State, within_s: float = DEADLINE_S) -> InstanceSnapshot:
    """The instance, once it is in one of these states."""

    def look() -> InstanceSnapshot | None:
        one = seen(session, name)
        return one if one.state in states else None

    try:
        return wait_for(look, f"{name} is {' or '.join(states)}", within_s)
    except AssertionError as error:
        told = [
            f"{event.ts:.3f} {event.type} {event.message}"
            for event in session.snapshot().events
            if event.instance in (name, None)
        ]
        raise AssertionError("\n".join([str(error), str(seen(session, name)), *told[-30:]])) from error


def program_line(*arguments: str) -> list[str]:
    """The real program with these arguments."""
    return [sys.executable, "-m", "llama_orch_tui", *arguments]


def is_fork_server(process: psutil.Process) -> bool:
    """True for the process that a leader's keepers are forked from."""
    return any("fork_server.py" in part for part in _command_line(process))


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.Error, OSError):
        return []
