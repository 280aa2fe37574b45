"""Starting a daemon in the background, and hearing from it that it stands by or leads."""

from __future__ import annotations

import os
import selectors
import threading
import time
from collections.abc import Mapping, Sequence

from engine.daemon.identity import DaemonInfo, errors_path, find_daemon, log_path
from engine.errors import DaemonError, ExitCode
from engine.paths import HOME_VARIABLE, Home
from engine.process import system
from engine.process.records import RecordReader, encode_record, get_value, write_all

START_LIMIT_S = 20.0
"""A daemon is ready in about a second; a machine that is busy with loading models may take longer."""
REASON_LIMIT = 2000
"""Characters of stderr in a message at most."""
_READY = "ready"


def start_daemon(home: Home, argv: Sequence[str], environ: Mapping[str, str]) -> DaemonInfo:
    """Execute `argv` (a ``daemon run`` that answers by `tell_ready`) and wait until it stands by or leads.

    Raises:
        DaemonError: there is one already (61), or it could not start (62, with what it said).
        LockUnsupportedError: the file system knows no locks.
    """
    running = find_daemon(home)
    if running is not None:
        raise DaemonError(
            ExitCode.DAEMON_ALREADY_RUNNING, f"the daemon runs already (PID {running.pid}); `daemon status` tells more"
        )
    try:
        pid, answer_end = _spawn(home, argv, environ)
    except OSError as error:
        raise DaemonError(ExitCode.DAEMON_START_FAILED, f"the daemon cannot be executed: {error}") from error
    try:
        is_ready = _wait_for_answer(answer_end)
    finally:
        os.close(answer_end)
    if not is_ready:
        system.end_child(pid)
        raise _explain(home)
    # A daemon that outlives us is collected by init; one that we outlive must not stay a zombie.
    threading.Thread(target=system.await_child, args=(pid,), name="daemon-reaper", daemon=True).start()
    found = find_daemon(home)
    if found is None:
        raise _explain(home)
    return found


def tell_ready(handle: int) -> None:
    """The daemon's answer to whoever started it; then `handle` leads nowhere."""
    try:
        write_all(handle, encode_record([("event", _READY), ("pid", str(os.getpid()))]))
    except OSError:
        return  # whoever asked has gone
    finally:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, handle)
        os.close(nowhere)


def _spawn(home: Home, argv: Sequence[str], environ: Mapping[str, str]) -> tuple[int, int]:
    """Its PID, and the descriptor on which it will answer."""
    system.make_private_dir(str(home.state_dir))
    system.make_private_dir(str(home.daemon_dir))
    # A relative path would mean another folder in a daemon that leaves ours.
    env = {**environ, HOME_VARIABLE: str(home.state_dir)} if environ.get(HOME_VARIABLE) else dict(environ)
    answer_read, answer_write = os.pipe()
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        pid = system.spawn_detached(list(argv), env, (nothing, answer_write), str(errors_path(home)))
    except OSError:
        os.close(answer_read)
        raise
    finally:
        os.close(nothing)
        os.close(answer_write)
    return pid, answer_read


def _wait_for_answer(handle: int) -> bool:
    """False when it ended, or stayed silent for too long."""
    reader = RecordReader()
    deadline = time.monotonic() + START_LIMIT_S
    with selectors.DefaultSelector() as selector:
        selector.register(handle, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            data = os.read(handle, 4096)
            if records := reader.feed(data):
                return get_value(records[0], "event") == _READY
            if not data:
                break
    return False


def _explain(home: Home) -> DaemonError:
    """Why a daemon that was executed is not there."""
    running = find_daemon(home)
    if running is not None:  # somebody else's was faster
        return DaemonError(ExitCode.DAEMON_ALREADY_RUNNING, f"the daemon runs already (PID {running.pid})")
    said = _read_errors(home) or f"it was not ready within {START_LIMIT_S:g} s"
    return DaemonError(ExitCode.DAEMON_START_FAILED, f"the daemon did not start: {said}\nits log is {log_path(home)}")


def _read_errors(home: Home) -> str:
    """What it said last on stderr: a message of ours whole, of a traceback the last line."""
    try:
        text = errors_path(home).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
    return text.rpartition("\n")[2] if "Traceback" in text else text[-REASON_LIMIT:]
