"""Which server program an instance runs: a path, llama-server on PATH, or the embedded llama.cpp."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from engine.config.expand import ExpansionError, Surroundings, expand_program, has_separator
from engine.config.fields import ServerChoice
from engine.embedded.location import INSTALL_COMMAND, LAUNCHER_PATH, find_launcher
from engine.errors import BinaryNotFoundError

LLAMA_SERVER = "llama-server"
_MEND_SETTING = "correct `[server] binary` (or the instance's own `binary`) in the configuration"


class BinaryKind(StrEnum):
    """Which of the two servers."""

    LLAMA_SERVER = "llama-server"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class ServerBinary:
    """A server program, found."""

    kind: BinaryKind
    argv: tuple[str, ...]
    """What to execute before the server's own arguments."""
    path: str
    """The file that decides which version runs, for people and for comparison."""


def find_binary(setting: str, environ: Mapping[str, str], instance: str) -> ServerBinary:
    """The server that `setting` (`auto`, `embedded`, a path, or a name on PATH) means for `instance`.

    Raises:
        BinaryNotFoundError: there is none; the message says what was looked for and how to install it.
    """
    choice = next((one for one in ServerChoice if one == setting), None)
    match choice:
        case None:
            return _find_program(setting, environ, instance)
        case ServerChoice.AUTO:
            if path := which(LLAMA_SERVER, environ):
                return ServerBinary(BinaryKind.LLAMA_SERVER, (path,), path)
            return _find_embedded(instance, f"{LLAMA_SERVER} is not on PATH, and the embedded llama.cpp is missing")
        case ServerChoice.EMBEDDED:
            return _find_embedded(instance, "the embedded llama.cpp is missing")
        case _:
            assert_never(choice)


def which(program: str, environ: Mapping[str, str]) -> str:
    """The absolute path of `program`: a path, or a name on the PATH of `environ`; empty when there is none."""
    # An empty PATH finds nothing; None would make shutil.which fall back to this process's own.
    found = shutil.which(program, path=environ.get("PATH", ""))
    return str(Path(found).absolute()) if found else ""


def _find_program(setting: str, environ: Mapping[str, str], instance: str) -> ServerBinary:
    try:
        program = expand_program(setting, Surroundings(Path.cwd(), environ))
    except ExpansionError as error:
        raise BinaryNotFoundError(f"{instance}: server binary {setting}: {error}; {_MEND_SETTING}") from error
    path = which(program, environ)
    if not path:
        raise BinaryNotFoundError(
            f"{instance}: server binary {program}: {why_not_executable(program)}; {_MEND_SETTING}"
        )
    return ServerBinary(BinaryKind.LLAMA_SERVER, (path,), path)


def why_not_executable(program: str) -> str:
    """Why `which` does not find `program`, in words."""
    if not has_separator(program):
        return "not on PATH"
    path = Path(program)
    if path.is_dir():
        return "is a folder"
    return "is not executable" if path.exists() else "no such file"


def _find_embedded(instance: str, missing: str) -> ServerBinary:
    try:
        argv = find_launcher()
    except BinaryNotFoundError as error:
        raise BinaryNotFoundError(
            f"{instance}: {missing}; install it with {INSTALL_COMMAND}, "
            f"or put {LLAMA_SERVER} on PATH, or set `[server] binary` to its path"
        ) from error
    return ServerBinary(BinaryKind.EMBEDDED, argv, str(LAUNCHER_PATH))
