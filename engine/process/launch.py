"""Starting a keeper, and hearing from it whether its server was executed.

This is the one door through which runs begin; whether a keeper is executed or forked by the leader's fork server makes
no difference to anybody behind it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BinaryNotFoundError, EngineError, KeeperLostError, StartFailedError
from engine.paths import HOME_VARIABLE, RUN_VARIABLE, Home
from engine.process import system
from engine.process.forking import Begun, Forks, NotForkedError
from engine.process.orphans import clear_run
from engine.process.records import VERSION, Record, RecordReader, encode_record, get_value

HANDSHAKE_LIMIT_S = 10.0
"""A keeper answers in about 25 ms; one that has not by then is not going to."""
UMASK = 0o077
_PROGRAM_FAULTS = (
    errno.ENOENT,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
    errno.ENOEXEC,
    errno.ELOOP,
    errno.ENAMETOOLONG,
)
"""What exec says when the program itself is at fault, not its arguments or the machine."""
_TABLE_FAULTS = frozenset({errno.EINVAL, errno.E2BIG})
"""An argument or a variable that no system takes: the next try would end the same way."""


class LockHeldError(EngineError):
    """The instance's lock is held: a run of it is alive, or an orphan of one."""


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """Everything a run needs; nothing is looked up after it."""

    name: str
    run_id: str
    argv: tuple[str, ...]
    env: dict[str, str]
    shown: str
    """The redacted command line: the only one that is ever stored."""
    cwd: str
    host: str
    port: int | None
    binary: str
    stop_grace_s: float
    max_log_bytes: int
    log_backups: int
    binary_version: str = ""
    """What the program says of its version; empty when it was not asked, or says nothing."""
    is_tethered: bool = False
    """The run ends with its leader (the demo)."""
    removes_home: bool = False
    """The last run to end removes the home (the demo)."""


@dataclass(frozen=True, slots=True)
class Launched:
    """A server that was executed."""

    keeper_pid: int
    greeting: Record
    """What the keeper says of the run, as in its run record."""
    is_child: bool
    """The keeper is this process's to collect; a forked one is the fork server's."""


def build_spec_record(home: Home, spec: LaunchSpec) -> Record:
    """The launch specification as it travels to the keeper, by pipe, since it holds secrets."""
    token = {**home.environment(), RUN_VARIABLE: f"{spec.name}:{spec.run_id}"}
    return [
        ("version", str(VERSION)),
        ("name", spec.name),
        ("run", spec.run_id),
        ("lock", str(home.instance_lock(spec.name))),
        ("socket", str(home.keeper_socket(spec.name))),
        ("run_record", str(home.run_record(spec.name))),
        ("exit_record", str(home.exit_record(spec.name))),
        ("logs", str(home.instance_logs(spec.name))),
        ("max_bytes", str(spec.max_log_bytes)),
        ("backups", str(spec.log_backups)),
        ("grace", repr(spec.stop_grace_s)),
        ("cwd", spec.cwd),
        ("umask", str(UMASK)),
        ("host", spec.host),
        ("port", str(spec.port or "")),
        ("binary", spec.binary),
        ("binary_version", spec.binary_version),
        ("shown", spec.shown),
        ("tether", "1" if spec.is_tethered else "0"),
        ("remove_home", str(home.state_dir) if spec.removes_home else ""),
        *[("arg", argument) for argument in spec.argv],
        *[("env", f"{key}={value}") for key, value in {**spec.env, **token}.items()],
    ]


def launch(home: Home, spec: LaunchSpec, forks: Forks | None = None) -> Launched:
    """Start a keeper for one run and wait until its server was executed. Takes about 25 ms, or 5 when it is forked.

    Raises:
        LockHeldError: another run, or an orphan of one, holds the instance's lock; nothing was started.
        BinaryNotFoundError: the program is not there or is not executable.
        KeeperLostError: the keeper could not be started, died, or stayed silent before it told what became of it.
        StartFailedError: anything else that kept the server from being executed.
    """
    keeper, answer_end = _begin_keeper(home, spec, forks)
    try:
        reply = _read_answer(answer_end)
    finally:
        os.close(answer_end)
    if get_value(reply, "event") == "running":
        return Launched(keeper.pid, reply, is_child=keeper.is_child)
    if keeper.is_child or forks is None:
        system.end_child(keeper.pid)
    elif not forks.end(keeper, is_silent=not reply):
        clear_run(home, spec.name, spec.run_id)
    raise _explain(home, spec, reply)


def _begin_keeper(home: Home, spec: LaunchSpec, forks: Forks | None) -> tuple[Begun, int]:
    """A keeper that has its specification, forked if that can be; and the descriptor on which it will answer.

    Raises:
        KeeperLostError: it cannot be begun.
    """
    errors = str(home.run_dir / f"{spec.name}.keeper.err")
    token = {HOME_VARIABLE: str(home.state_dir), RUN_VARIABLE: f"{spec.name}:{spec.run_id}"}
    program = [sys.executable, "-I", "-S", str(Path(__file__).with_name("keeper.py")), spec.name]
    try:
        if forks is not None:
            with contextlib.suppress(NotForkedError):
                return _give_spec(home, spec, lambda ends: forks.fork(spec.name, spec.run_id, ends, errors))
        return _give_spec(home, spec, lambda ends: Begun(system.spawn_detached(program, token, ends, errors)))
    except OSError as error:
        # The system names the program whatever it was that is missing, mostly the folder: somebody deleted it.
        where = sys.executable if home.run_dir.is_dir() else f"{home.run_dir} is gone"
        raise KeeperLostError(
            f"{spec.name}: the keeper cannot be started: {error.strerror or error} ({where})"
        ) from error


def _give_spec(home: Home, spec: LaunchSpec, begin: Callable[[tuple[int, int]], Begun]) -> tuple[Begun, int]:
    """Begin a keeper that reads from and writes to two descriptors, and hand it its specification.

    Each has pipes of its own: what is written to them reaches this one alone.

    Raises:
        OSError: it cannot be begun, or no descriptors are left.
    """
    spec_read, spec_write = os.pipe()
    try:
        answer_read, answer_write = os.pipe()
    except OSError:
        os.close(spec_read)
        os.close(spec_write)
        raise
    try:
        keeper = begin((spec_read, answer_write))
    except OSError:
        for end in (spec_write, answer_read):
            os.close(end)
        raise
    finally:
        for end in (spec_read, answer_write):
            os.close(end)
    # A keeper that died at once breaks the pipe; the missing answer tells it then.
    with contextlib.suppress(BrokenPipeError), os.fdopen(spec_write, "wb") as pipe:
        pipe.write(encode_record(build_spec_record(home, spec)))
    return keeper, answer_read


def _read_answer(handle: int) -> Record:
    """The keeper's first record; empty when it died, or stayed silent for too long."""
    reader = RecordReader()
    deadline = time.monotonic() + HANDSHAKE_LIMIT_S
    with selectors.DefaultSelector() as selector:
        selector.register(handle, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            data = os.read(handle, 1 << 16)
            if records := reader.feed(data):
                return records[0]
            if not data:
                break
    return []


def _explain(home: Home, spec: LaunchSpec, reply: Record) -> EngineError:
    """What a keeper that executed nothing meant."""
    if get_value(reply, "reason") == "locked":
        return LockHeldError(f"{spec.name}: another run still holds its lock")
    if get_value(reply, "reason") == "version":
        return StartFailedError(
            f"{spec.name}: the program on disk was replaced by another version (its keeper speaks protocol"
            f" {get_value(reply, 'version')}, this process {VERSION}); end this one and start the new version"
        )
    if not reply:
        said = read_keeper_errors(home, spec.name)
        return KeeperLostError(f"{spec.name}: the keeper ended without an answer{said and ': ' + said}")
    told, file = get_value(reply, "errno"), get_value(reply, "file")
    number = int(told) if told.isdigit() else 0
    reason = os.strerror(number) if number else "unknown error"
    if file == spec.argv[0] and number in _PROGRAM_FAULTS:
        return BinaryNotFoundError(
            f"{spec.name}: {file}: {reason}; correct `binary` or `command` in [instances.{spec.name}]"
        )
    is_of_the_table = file in {spec.argv[0], spec.cwd} or number in _TABLE_FAULTS
    kind = StartFailedError if is_of_the_table else KeeperLostError  # our own files, or the system's means
    return kind(f"{spec.name}: {file or 'launch'}: {reason}")


def read_keeper_errors(home: Home, name: str) -> str:
    """The last line a keeper wrote on stderr before it died; empty when it wrote nothing."""
    try:
        text = (home.run_dir / f"{name}.keeper.err").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.strip().rpartition("\n")[2]
