"""`add` and `remove`: instances in the configuration file, comments and order kept."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import engine
from engine.snapshots import Act, Desired, Target
from llama_orch_tui import output


def add_instance(name: str, options: Mapping[str, Any]) -> int:
    """Add an instance with what `options` of `add` say, by their names; what is empty is left to its default.

    Raises:
        EngineError: refused; nothing was written.
    """
    home = engine.find_home(os.environ)
    engine.refuse_newer_database(home.state_file)  # its file may hold what this version does not know
    try:
        added = engine.add_instance(home, name, _build_table(options), os.environ)
    except OSError as error:
        raise engine.EngineError(f"{error.filename or home.config_file}: {error.strerror or error}") from error
    for warning in added.warnings:
        output.say_error(f"{name}: {warning}")
    where = "" if added.port is None else f", port {added.port}"
    output.say(f"{name}: added to {added.path}{where}; `llama-orch-tui start {name}` starts it")
    return 0


def remove_instance(name: str, *, stops: bool) -> int:
    """Take an instance out of the file; one that runs, or is wanted running, only with `stops`, which stops it first.

    Raises:
        AlreadyRunningError: it runs, and `stops` is not given.
        EngineError: refused; nothing was written.
    """
    home = engine.find_home(os.environ)
    loaded = engine.load_config(home.config_file, os.environ)
    if not loaded.readable:
        engine.raise_for_problems(loaded)
    seen = engine.observe(home, os.environ).find(name)
    if seen is not None and (seen.pid is not None or seen.desired is Desired.RUNNING):
        if not stops:
            how = f"runs (PID {seen.pid})" if seen.pid else f"is wanted running ({seen.state.value})"
            raise engine.AlreadyRunningError(f"{name}: {how}; `remove {name} --stop` stops it first")
        engine.check_removal(home, name, os.environ)
        from llama_orch_tui.acting import carry_out  # noqa: PLC0415 - only when there is something to stop

        if code := carry_out(Act.STOP, Target((name,)), waits=False):
            return code
    try:
        path = engine.remove_instance(home, name, os.environ)
    except OSError as error:
        raise engine.EngineError(f"{error.filename or home.config_file}: {error.strerror or error}") from error
    output.say(f"{name}: removed from {path}; its logs and events stay")
    return 0


def _build_table(options: Mapping[str, Any]) -> dict[str, object]:
    """The keys of the file in a good order."""
    table: dict[str, object] = {
        "model": _absolute(options["model"]),
        "hf": options["hf"],
        "command": _split(options["command"], "--command"),
        "port": _number_or_word(options["port"]),
        "host": options["host"],
        "ctx_size": options["ctx_size"],
        "parallel": options["parallel"],
        "gpu_layers": _number_or_word(options["gpu_layers"]),
        "threads": options["threads"],
        "args": _split(options["args"], "--args"),
        "tags": options["tag"],
        "depends_on": options["depends_on"],
        "autostart": options["autostart"],
        "stop_grace": options["stop_grace"],
        "api_key_file": _absolute(options["api_key_file"]),
        "cwd": _absolute(options["cwd"]),
        "binary": options["binary"],
        "env": _parse_environment(options["env"] or ()),
        "healthcheck": {"type": options["health"]} if options["health"] else {},
        "restart_policy": {"policy": options["restart"]} if options["restart"] else {},
    }
    return {key: value for key, value in table.items() if value or type(value) in (int, float)}


def _number_or_word(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text


def _absolute(path: str) -> str:
    """A path as typed in this folder, as it is written into the file; one that begins with ``~`` stays as it is."""
    if not path or path.startswith("~"):
        return path
    return str(Path(path).absolute()).replace("$", "$$")


def _parse_environment(pairs: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE`` texts as a table.

    Raises:
        UsageError: one has no equals sign.
    """
    for pair in pairs:
        if "=" not in pair:
            raise engine.UsageError("--env: give NAME=VALUE")
    return dict(pair.split("=", 1) for pair in pairs)


def _split(text: str, option: str) -> list[str]:
    """A command line as a shell would split it.

    Raises:
        UsageError: a quote is not closed.
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        raise engine.UsageError(f"{option}: {error}; close the quotes") from error
