"""The embedded llama.cpp server as a program: `python -I launcher.py` and the flags of `llama-server`.

It logs to stderr and ends with the codes of `llama-server`: 0 after SIGTERM, 1 when it cannot start.
llama.cpp holds the GIL while it loads and while it stops, and no Python signal handler runs in that time. So SIGTERM
and SIGINT have their default action then: they end a load at once, and a second one ends a stop that waits for
a client at once. In between they stop the server politely.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import socket
import sys
from pathlib import Path
from types import FrameType, ModuleType

if not __package__:  # run by its path, and -I keeps every other folder out
    sys.path.insert(0, str(Path(__file__).absolute().parents[2]))

from engine.embedded.argv import ArgumentError, Command, CommandLine, format_help, parse_command_line
from engine.embedded.location import INSTALL_COMMAND
from engine.embedded.main_loop import wait_for_main_loop
from engine.embedded.parameters import ParameterError, build_parameters
from engine.embedded.values import MIB

FAILED = 1
"""The one code for everything that goes wrong, as with `llama-server`."""

if sys.platform == "win32":
    STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGBREAK)
else:
    STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

KNOWN_FAILURE = "Failed to init server"
"""xllamacpp's only word for a failed start; llama.cpp has logged the cause by then."""


def main() -> int:
    """Run the program; returns its exit code."""
    _restore_default_action()
    # Without it a crash starts gdb where there is one, which delays the end by a second.
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")
    try:
        return _carry_out(parse_command_line(sys.argv[1:], os.environ))
    except (ArgumentError, ParameterError) as error:
        _say(str(error))
    except ImportError as error:
        _say(f"error: the embedded llama.cpp cannot be loaded ({error}); run: {INSTALL_COMMAND}")
    return FAILED


def _carry_out(line: CommandLine) -> int:
    match line.command:
        case Command.HELP:
            sys.stdout.write(format_help())
            return 0
        case Command.VERSION:
            _say(_version(_load_library()))
            return 0
        case Command.LIST_DEVICES:
            sys.stdout.write(_devices(_load_library()))
            return 0
        case Command.SERVE:
            return _serve(line)


def _serve(line: CommandLine) -> int:
    """Load the model and answer requests until told to stop."""
    for warning in line.warnings:
        _say(warning)
    library = _load_library()
    parameters = build_parameters(library, line.settings)
    try:
        server = library.Server(parameters)
    except (RuntimeError, ValueError) as error:
        if KNOWN_FAILURE not in str(error):
            _say(f"error: {error}")
        return FAILED
    wait_for_main_loop(parameters.hostnames[0], parameters.port, prefix=parameters.api_prefix, keys=parameters.api_keys)
    _wait_for_stop()
    del server  # returns when every request has ended
    return 0


def _wait_for_stop() -> None:
    """Wait for the first stop signal; afterwards another one ends the process by its default action.

    The C-level handler writes to the socket, so a signal is never lost between a check and the wait.
    """
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno())
        for number in STOP_SIGNALS:
            signal.signal(number, _note)
        reader.recv(1)
        _restore_default_action()
        signal.set_wakeup_fd(-1)
        reader.setblocking(False)
        with contextlib.suppress(BlockingIOError):  # usual: no second signal came before the default action was back
            signal.raise_signal(reader.recv(1)[0])


def _note(_number: int, _frame: FrameType | None) -> None:
    """A handler in Python must stand for the signal to reach the socket; the socket does the work."""


def _restore_default_action() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def _load_library() -> ModuleType:
    return importlib.import_module("xllamacpp")


def _version(library: ModuleType) -> str:
    build = library.BUILD_INFO
    return (
        f"version: xllamacpp {library.__version__} (build {build['build_number']}, commit {build['commit']})\n"
        f"built with {build['compiler']} for {build['build_target']}"
    )


def _devices(library: ModuleType) -> str:
    """The devices beside the processor, as `llama-server --list-devices` prints them."""
    rows = [
        f"  {one['name']}: {one['description']} "
        f"({one['memory_total'] // MIB} MiB, {one['memory_free'] // MIB} MiB free)"
        for one in library.get_device_info()
        if one["name"] != "CPU"
    ]
    return "\n".join(["Available devices:", *(rows or ["  (none)"])]) + "\n"


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
