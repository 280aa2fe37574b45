"""What is wrong with an instance although each of its keys is right by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SOURCES = ("model", "hf", "command")
SECRET_KEYS = ("api_key", "api_key_file")

_OWNED_FLAGS = {
    "--host": "host",
    "--port": "port",
    "-m": "model",
    "--model": "model",
    "-hf": "hf",
    "-hfr": "hf",
    "--hf-repo": "hf",
    "--api-key": "api_key",
    "--api-key-file": "api_key_file",
}
"""Flags that would tell the server something else than the supervisor believes, and the key that says it."""
TOKEN_FLAGS = {"-hft": "HF_TOKEN", "--hf-token": "HF_TOKEN"}
"""Flags with a secret that everybody on the machine would see in the list of processes; the variable that says it."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One contradiction; `keys` lead to its place from the instance's table, empty for the table as a whole."""

    keys: tuple[str, ...]
    message: str
    fix: str


def find_conflicts(raw: Mapping[str, object]) -> tuple[Conflict, ...]:
    """Every contradiction in an instance's merged table, whatever the types of its values."""
    return (*_source_conflicts(raw), *_key_conflicts(raw), *_health_conflicts(raw), *_argument_conflicts(raw))


def missing_port(raw: Mapping[str, object]) -> Literal["auto"] | None:
    """The port of an instance whose table names none: only a program that nobody asks over the network has no port."""
    command = raw.get("command")
    if not command or not isinstance(command, list | tuple):
        return "auto"
    is_asked = _health(raw, "type") not in ("none", "custom")
    return "auto" if is_asked or any("{port}" in str(part) for part in command) else None


def _health(raw: Mapping[str, object], key: str) -> object:
    # A table of the file, or a model when the schema is used from Python.
    table = raw.get("healthcheck")
    return table.get(key) if isinstance(table, Mapping) else getattr(table, key, None)


def _source_conflicts(raw: Mapping[str, object]) -> tuple[Conflict, ...]:
    given = [key for key in SOURCES if raw.get(key) is not None]
    match given:
        case [_]:
            return ()
        case []:
            return (Conflict((), "says not what to run", 'set one of model, hf and command, as in model = "~/x.gguf"'),)
        case _:
            message = f"cannot stand beside {given[0]}: an instance runs exactly one of model, hf and command"
            return (Conflict((given[1],), message, f"keep one of {' and '.join(given)}"),)


def _key_conflicts(raw: Mapping[str, object]) -> tuple[Conflict, ...]:
    if raw.get("api_key") and raw.get("api_key_file"):
        return (Conflict(("api_key_file",), "cannot stand beside api_key", "keep one of the two"),)
    return ()


def _health_conflicts(raw: Mapping[str, object]) -> tuple[Conflict, ...]:
    if _health(raw, "type") == "custom" and not _health(raw, "custom_script"):
        fix = 'set custom_script = "/path/of/program" beside it'
        return (Conflict(("healthcheck", "type"), "is custom, and no custom_script is named", fix),)
    return ()


def _argument_conflicts(raw: Mapping[str, object]) -> tuple[Conflict, ...]:
    args = raw.get("args")
    if raw.get("command") is not None or not isinstance(args, list | tuple):
        return ()
    flags = dict.fromkeys(arg.partition("=")[0] for arg in args if isinstance(arg, str))
    fixes = {flag: f"use the key {key} instead" for flag, key in _OWNED_FLAGS.items()} | {
        flag: f'others would see it in the list of processes; use env = {{ {variable} = "…" }} instead'
        for flag, variable in TOKEN_FLAGS.items()
    }
    return tuple(Conflict(("args",), f"may not hold {flag}", fixes[flag]) for flag in flags if flag in fixes)
