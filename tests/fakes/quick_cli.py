"""Commands of the real program without the wait for Python's imports: a process that has them done, and forks.

A command is a process of its own with its own arguments, environment, folder and streams, as if it had been started by
itself; what differs is that its modules are there already. Started by itself takes half a second of processor time,
and the tests run many hundred commands.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import IO, NoReturn, cast

assert sys.platform != "win32"  # there is no fork elsewhere

PACKAGES = ("engine", "llama_orch_tui")
LEFT_OUT = (
    "engine.process.windows",
    "engine.process.keeper",
    "engine.embedded.launcher",
    "engine.process.posix_engine",
)
"""Programs of their own, and what is imported where it belongs."""
LIMIT_BYTES = 1 << 20


@cache
def find_server() -> CommandServer:
    """This test process's own server; it ends with it."""
    return CommandServer()


class CommandServer:
    """The side of the tests."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="lorch-commands-")
        self._address = str(Path(self._folder.name) / "s")
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, self._address],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"PYTHONWARNINGS": "error"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline(), "the server of commands did not start"
        atexit.register(self.close)

    def run(
        self, arguments: list[str], environment: Mapping[str, str], within_s: float
    ) -> subprocess.CompletedProcess[str]:
        """Run one command to its end.

        Raises:
            subprocess.TimeoutExpired: it took longer, and was killed.
        """
        with (
            tempfile.TemporaryFile() as output,
            tempfile.TemporaryFile() as errors,
            open(os.devnull, "rb") as nothing,  # noqa: PTH123 - no path, a device
            socket.socket(socket.AF_UNIX) as line,
        ):
            line.connect(self._address)
            order = json.dumps([arguments, os.getcwd(), dict(environment)]).encode() + b"\n"  # noqa: PTH109 - as the child has it
            streams = [nothing.fileno(), output.fileno(), errors.fileno()]
            socket.send_fds(line, [b"."], streams)
            line.sendall(order)
            answers = line.makefile("rb")
            pid = int(answers.readline())
            line.settimeout(within_s)
            try:
                code = int(answers.readline())
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(arguments, within_s, _read(output), _read(errors)) from None
            return subprocess.CompletedProcess(arguments, code, _read(output).decode(), _read(errors).decode())

    def close(self) -> None:
        """End the server. Idempotent."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


# -- the side of the commands


def serve(address: str) -> None:
    """Fork a command for every order, until the test process has gone."""
    _import_everything()
    ended, tell_end = os.pipe()
    for end in (ended, tell_end):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(tell_end)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    waiting: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as selector:
        listener.bind(address)
        listener.listen(64)
        for handle in (listener, sys.stdin.buffer, ended):
            selector.register(handle, selectors.EVENT_READ)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            for key, _ in selector.select():
                if key.fileobj is listener:
                    pid, line = _fork_command(listener)
                    waiting[pid] = line
                elif key.fileobj == ended:
                    os.read(ended, 4096)
                else:
                    return
            _tell_ends(waiting)


def _import_everything() -> None:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if found.name not in LEFT_OUT and not found.name.endswith("__main__"):
                importlib.import_module(found.name)


def _fork_command(listener: socket.socket) -> tuple[int, socket.socket]:
    line, _ = listener.accept()
    _, streams, *_ = socket.recv_fds(line, 1, 3)
    order = b""
    while not order.endswith(b"\n"):
        order += line.recv(LIMIT_BYTES)
    arguments, folder, environment = json.loads(order)
    pid = os.fork()
    if pid == 0:
        _become(arguments, folder, environment, streams)
    for stream in streams:
        os.close(stream)
    line.sendall(b"%d\n" % pid)
    return pid, line


def _tell_ends(waiting: dict[int, socket.socket]) -> None:
    for pid in list(waiting):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            with waiting.pop(pid) as line:
                line.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _become(arguments: list[str], folder: str, environment: dict[str, str], streams: list[int]) -> NoReturn:
    """In the forked process: be the program, from its first line to its last."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 256)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["llama-orch-tui", *arguments]
    code = 1
    try:
        code = _run_main()
    finally:
        cast("Callable[[], None]", vars(threading)["_shutdown"])()  # as Python does: threads are waited for
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run_main() -> int:
    from llama_orch_tui.__main__ import main  # noqa: PLC0415 - the tests' side needs none of it

    try:
        main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BaseException:  # noqa: BLE001 - as Python itself does
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    serve(sys.argv[1])
