"""A look at everything that supervision stands on, each with what to mend; changes nothing but a probe file."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from engine.config.binary import BinaryKind, ServerBinary, find_binary
from engine.config.command import load_api_key
from engine.config.file import LoadedConfig, load_config
from engine.config.schema import InstanceConfig
from engine.embedded.location import INSTALL_COMMAND
from engine.errors import BinaryNotFoundError, EngineError, StartFailedError, StateError
from engine.following import connect_leader, read_leader
from engine.locking import KernelLock, supervisor_lock
from engine.paths import Home
from engine.plural import format_count
from engine.process import system
from engine.process.listeners import describe_listener
from engine.process.ports import is_port_free
from engine.state.migrations import SCHEMA_VERSION
from engine.state.reading import read_schema_version, reading
from engine.supervision.starter import check_model
from engine.telemetry.exporter import split_address
from engine.telemetry.gpu import GpuReader
from engine.times import format_time

VERSION_LIMIT_S = 10.0
"""How long a server may take to say its version."""
LITTLE_DISK_BYTES = 1_000_000_000
GB = 1_000_000_000
SYSTEMD = Path("/run/systemd/system")
"""There where systemd is what started the machine."""
LINGERING = Path("/var/lib/systemd/linger")
"""Holds a file for every user whose processes outlive his sessions."""


class Condition(StrEnum):
    """What a look came to."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing is broken."""
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    """One or two words: ``configuration``, ``lock``."""
    condition: Condition
    message: str
    fix: str = ""
    """What to do about it; empty when nothing is to be done."""


def examine(home: Home, environ: Mapping[str, str], version: str) -> Iterator[Finding]:
    """Look at everything, one finding after the other; a look that fails is a finding, too. `version` is ours."""
    loaded = load_config(home.config_file, environ)
    looks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("program", lambda: _look_at_program(version)),
        ("configuration", lambda: _look_at_config(loaded)),
        ("state folder", lambda: _look_at_folder(home.state_dir)),
        ("logs", lambda: _look_at_logs(home, loaded)),
        ("locks", lambda: _look_at_locks(home)),
        ("database", lambda: _look_at_database(home)),
        ("leader", lambda: _look_at_leader(home, version)),
        ("server", lambda: _look_at_server(loaded, environ)),
        ("embedded", _look_at_embedded),
        ("gpu", _look_at_gpus),
        ("models", lambda: _look_at_models(loaded)),
        ("keys", lambda: _look_at_keys(loaded)),
        ("disk", lambda: _look_at_disk(home)),
        ("ports", lambda: _look_at_ports(home, loaded)),
        ("metrics", lambda: _look_at_metrics(home, loaded)),
        ("session", lambda: _look_at_session(environ)),
    )
    for subject, look in looks:
        try:
            yield from look()
        except (EngineError, OSError) as error:
            yield Finding(subject, Condition.PROBLEM, str(error), "mend that, then look again")


def _look_at_program(version: str) -> Iterator[Finding]:
    words = f"llama-orch-tui {version}, Python {platform.python_version()}, {platform.platform(terse=True)}"
    yield Finding("program", Condition.OK, words)


def _look_at_config(loaded: LoadedConfig) -> Iterator[Finding]:
    if not loaded.exists:
        yield Finding(
            "configuration",
            Condition.NOTE,
            f"{loaded.path}: not there yet",
            "`llama-orch-tui add NAME --model FILE` makes it",
        )
        return
    if not loaded.problems:
        yield Finding(
            "configuration", Condition.OK, f"{loaded.path}: {format_count(len(loaded.config.instances), 'instance')}"
        )
    for problem in loaded.problems:
        place = str(problem).removesuffix(f"; {problem.fix}")
        yield Finding("configuration", Condition.PROBLEM, place, problem.fix)
    if os.name == "posix" and loaded.path.stat().st_mode & 0o077 and _holds_keys(loaded):
        yield Finding(
            "configuration",
            Condition.NOTE,
            f"{loaded.path}: others may read it, and it holds an API key",
            f"chmod 600 {loaded.path}, or use api_key_file",
        )


def _holds_keys(loaded: LoadedConfig) -> bool:
    return any(one.api_key for one in (*loaded.config.instances.values(), loaded.config.defaults))


def _look_at_folder(folder: Path) -> Iterator[Finding]:
    system.make_private_dir(str(folder))
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"probe")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        yield Finding("state folder", Condition.PROBLEM, f"{folder}: cannot be written: {reason}", "make it writable")
        return
    yield Finding("state folder", Condition.OK, f"{folder}: may be written")


def _look_at_logs(home: Home, loaded: LoadedConfig) -> Iterator[Finding]:
    """The folders that there are; the others are made when they are needed."""
    folders = [home.logs_dir, *map(home.instance_logs, loaded.config.instances)]
    is_right = True
    for folder in folders:
        if not os.path.lexists(folder) or (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            continue
        is_right = False
        what, fix = ("cannot be written", "make it writable") if folder.is_dir() else ("is no folder", "move it away")
        yield Finding("logs", Condition.PROBLEM, f"{folder}: {what}", f"{fix}: what the servers say goes there")
    if is_right:
        yield Finding("logs", Condition.OK, f"{home.logs_dir}: may be written")


def _look_at_locks(home: Home) -> Iterator[Finding]:
    """Take a lock of our own twice: a file system may say yes to everybody."""
    path = home.state_dir / f"doctor-{os.getpid()}.lock"
    first, second = KernelLock(path, "doctor"), KernelLock(path, "doctor")
    try:
        with first.holding(1.0):
            is_kept = not second.try_acquire()
    finally:
        second.release()
        with contextlib.suppress(OSError):
            path.unlink()
    if is_kept:
        yield Finding("locks", Condition.OK, "this file system keeps locks")
    else:
        yield Finding(
            "locks",
            Condition.PROBLEM,
            f"{home.state_dir}: this file system gives one lock to two holders",
            "put the state folder on a local disk, for one with LLAMA_ORCH_HOME=DIR",
        )


def _look_at_database(home: Home) -> Iterator[Finding]:
    path = home.state_file
    if not path.exists():
        yield Finding("database", Condition.OK, f"{path}: made at the first start")
        return
    version = read_schema_version(path)
    if version < SCHEMA_VERSION:
        yield Finding("database", Condition.OK, f"{path}: version {version}; the next leader brings it up to date")
        return
    try:
        with reading(path) as store:
            count = len(store.load_desired()) if store is not None else 0
    except StateError as error:
        yield Finding("database", Condition.PROBLEM, str(error), "restore a copy, or move it away")
        return
    yield Finding("database", Condition.OK, f"{path}: version {version}, remembers {format_count(count, 'instance')}")


def _look_at_leader(home: Home, version: str) -> Iterator[Finding]:
    holder = supervisor_lock(home, "doctor").find_holder()
    if holder is None:
        yield Finding("leader", Condition.OK, "nobody leads; the next dashboard or daemon will")
        return
    connection = connect_leader(home)
    if connection is None:
        yield Finding(
            "leader",
            Condition.PROBLEM,
            f"{holder.describe()} holds the lock and does not answer",
            "end it; models run on",
        )
        return
    connection.close()
    leader = read_leader(home)
    if leader is None:
        yield Finding("leader", Condition.OK, f"{holder.describe()} leads")
        return
    words = f"{leader.kind.value} with PID {leader.pid}, version {leader.version}, since {format_time(leader.since)}"
    if leader.version == version:
        yield Finding("leader", Condition.OK, words)
    else:
        yield Finding("leader", Condition.NOTE, f"{words}; this is {version}", "restart it to have both the same")


def _look_at_server(loaded: LoadedConfig, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Every server program that the configuration leads to, once."""
    default = loaded.config.server.binary
    needed = {one.binary or default for one in loaded.config.instances.values() if not one.command}
    for setting in sorted(needed or {default}):
        try:
            server = find_binary(setting, environ, "server")
        except BinaryNotFoundError as error:
            message, _, fix = str(error).removeprefix("server: ").partition("; ")
            yield Finding("server", Condition.PROBLEM if needed else Condition.NOTE, message, fix)
            continue
        yield _ask_version(server, environ)


def _ask_version(server: ServerBinary, environ: Mapping[str, str]) -> Finding:
    if server.kind is BinaryKind.EMBEDDED:
        return Finding("server", Condition.OK, f"embedded llama.cpp, {server.path}")
    try:
        done = subprocess.run(
            [*server.argv, "--version"],
            env=dict(environ),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_LIMIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("server", Condition.PROBLEM, f"{server.path}: does not say its version: {error}", "reinstall it")
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        why = words[-1] if words else f"exit code {done.returncode}"
        return Finding("server", Condition.PROBLEM, f"{server.path}: cannot run: {why}", "reinstall it")
    told = next((line for line in (done.stderr + done.stdout).splitlines() if "version" in line), "no version said")
    return Finding("server", Condition.OK, f"{server.path}: {told.strip()}")


def _look_at_embedded() -> Iterator[Finding]:
    try:
        yield Finding("embedded", Condition.OK, f"xllamacpp {metadata.version('xllamacpp')}")
    except metadata.PackageNotFoundError:
        fix = f"only needed without a llama-server: {INSTALL_COMMAND}"
        yield Finding("embedded", Condition.NOTE, "xllamacpp is not installed", fix)


def _look_at_gpus() -> Iterator[Finding]:
    reader = GpuReader()
    gpus = reader.read().gpus
    if reader.problem:
        message, _, fix = reader.problem.partition("; ")
        yield Finding("gpu", Condition.NOTE, message, fix)
    elif not gpus:
        yield Finding("gpu", Condition.NOTE, "no NVIDIA card")
    for gpu in gpus:
        used, total = gpu.memory_used_bytes / GB, gpu.memory_total_bytes / GB
        yield Finding("gpu", Condition.OK, f"{gpu.name}: {used:.1f} of {total:.1f} GB in use")


def _look_at_models(loaded: LoadedConfig) -> Iterator[Finding]:
    """Every model file that an instance names."""
    with_file = {name: spec for name, spec in loaded.config.instances.items() if spec.model is not None}
    return _look_at_each("models", with_file, check_model, "all files are there")


def _look_at_keys(loaded: LoadedConfig) -> Iterator[Finding]:
    """Every file with an API key."""
    with_file = {name: spec for name, spec in loaded.config.instances.items() if spec.api_key_file}
    return _look_at_each("keys", with_file, load_api_key, "all key files can be read")


def _look_at_each(
    subject: str, specs: Mapping[str, InstanceConfig], check: Callable[[str, InstanceConfig], object], good: str
) -> Iterator[Finding]:
    """A problem for each that `check` refuses, with its fix behind the semicolon; else `good`, if there are any."""
    is_right = True
    for name, spec in specs.items():
        try:
            check(name, spec)
        except StartFailedError as error:
            is_right = False
            message, _, fix = str(error).partition("; ")
            yield Finding(subject, Condition.PROBLEM, message, fix)
    if specs and is_right:
        yield Finding(subject, Condition.OK, good)


def _look_at_disk(home: Home) -> Iterator[Finding]:
    usage = shutil.disk_usage(home.state_dir)
    words = f"{usage.free / GB:.1f} GB free for logs and state"
    if usage.free < LITTLE_DISK_BYTES:
        yield Finding(
            "disk", Condition.PROBLEM, f"{home.state_dir}: {words}", "free some space, or lower [defaults.logs]"
        )
    else:
        yield Finding("disk", Condition.OK, words)


def _look_at_ports(home: Home, loaded: LoadedConfig) -> Iterator[Finding]:
    owners: dict[int, list[str]] = {}
    for name, spec in loaded.config.instances.items():
        if isinstance(spec.port, int):
            owners.setdefault(spec.port, []).append(name)
    found = False
    for port, names in owners.items():
        if len(names) > 1:
            found = True
            words = f"port {port} belongs to {' and '.join(names)}: they cannot run at the same time"
            yield Finding("ports", Condition.NOTE, words, 'give them ports of their own, or port = "auto"')
        host = loaded.config.instances[names[0]].host
        is_ours = any(system.is_locked(str(home.instance_lock(name))) for name in names)
        if not is_ours and not is_port_free(host, port):
            found = True
            words = f"port {port} of {names[0]} is held by {describe_listener(host, port)}"
            yield Finding("ports", Condition.PROBLEM, words, "end that program, or choose another port")
    if not found:
        yield Finding("ports", Condition.OK, f"{format_count(len(owners), 'fixed port')}, no conflicts")


def _look_at_metrics(home: Home, loaded: LoadedConfig) -> Iterator[Finding]:
    """Whether the exporter could listen; while somebody leads, it does, or says why not among the faults."""
    listen = loaded.config.metrics.listen
    if not listen or supervisor_lock(home, "doctor").find_holder() is not None:
        return
    host, port = split_address(listen)
    if is_port_free(host, port):
        yield Finding("metrics", Condition.OK, f"{listen} is free")
    else:
        words = f"{listen} is held by {describe_listener(host, port)}"
        yield Finding("metrics", Condition.PROBLEM, words, "end that program, or change [metrics] listen")


def _look_at_session(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether systemd lets a user's processes live on after the last logout."""
    user = environ.get("USER", "")
    if not SYSTEMD.is_dir() or user in ("", "root"):
        return
    if (LINGERING / user).exists():
        yield Finding("session", Condition.OK, "lingering: what you started lives on after your last logout")
    else:
        words = "not lingering: systemd may end your daemon and models at your last logout"
        yield Finding("session", Condition.NOTE, words, f"loginctl enable-linger {user}")
