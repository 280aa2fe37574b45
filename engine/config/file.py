"""Reading the configuration file: whatever it holds, the outcome is a configuration and a list of problems."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.config.document import check_document
from engine.config.expand import Surroundings
from engine.config.faults import Fault, format_keys
from engine.config.lines import KeyPath, find_lines, line_of
from engine.config.schema import Config
from engine.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend in the configuration file."""

    path: str
    """The file."""
    line: int | None
    """From 1; None when no line is to blame."""
    key: str
    """Table and key as in ``[instances.qwen] port``; empty for the file as a whole."""
    message: str
    fix: str

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        what = f"{self.message}; {self.fix}" if self.fix else self.message
        return ": ".join(part for part in (place, self.key, what) if part)


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """What reading the file came to."""

    path: Path
    exists: bool
    """False on a first run: then the configuration is empty, and nothing is wrong."""
    readable: bool
    """False when a file is there and cannot be read or parsed at all."""
    config: Config = field(default_factory=Config)
    """What is right in the file; instances hold what they inherit already."""
    problems: tuple[Problem, ...] = ()
    """Everything that is wrong, in the order of the lines."""
    frozen: Mapping[str, str] = field(default_factory=dict)
    """Instances whose table is not in force, and why, one problem a line."""
    given: Mapping[str, object] = field(default_factory=dict, repr=False)
    """What the file itself says of what is in force; may hold secrets."""
    lines: Mapping[KeyPath, int] = field(default_factory=dict, repr=False)
    """The line, from 1, of every key."""


def load_config(path: Path, environ: Mapping[str, str]) -> LoadedConfig:
    """Read the configuration file at `path`; bad content becomes problems, never an exception.

    `environ` gives the variables and the home folder that paths in the file may name.
    """
    try:
        text = _read_text(path)
        document = _parse(path, text)
    except _MissingFileError:
        return LoadedConfig(path, exists=False, readable=True)
    except _UnreadableError as error:
        return LoadedConfig(path, exists=True, readable=False, problems=(error.problem,))
    checked = check_document(document, Surroundings(path.absolute().parent, environ))
    lines = find_lines(text)

    def locate(fault: Fault) -> Problem:
        line = line_of(lines, fault.path)
        return Problem(str(path), line, _format_place(fault), fault.message, fault.fix)

    return LoadedConfig(
        path,
        exists=True,
        readable=True,
        config=checked.config,
        problems=tuple(sorted(map(locate, checked.faults), key=lambda problem: problem.line or 0)),
        frozen={name: "\n".join(str(locate(fault)) for fault in found) for name, found in checked.frozen.items()},
        given=checked.given,
        lines=lines,
    )


def raise_for_problems(loaded: LoadedConfig, further: Sequence[str] = ()) -> None:
    """Do nothing when the file is right, and there are no `further` problems that others found in it.

    Raises:
        ConfigError: something is wrong; the message holds every problem, one a line.
    """
    if loaded.problems or further:
        raise ConfigError("\n".join([*map(str, loaded.problems), *further]))


class _MissingFileError(Exception):
    """There is no file, and no link to one."""


class _UnreadableError(Exception):
    """A file that gives no configuration at all."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def _refuse(path: Path, line: int | None, message: str, fix: str) -> _UnreadableError:
    return _UnreadableError(Problem(str(path), line, "", message, fix))


def _read_text(path: Path) -> str:
    try:
        # Looked at before it is opened: opening a FIFO would wait for a writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise _refuse(path, None, "is not a file", "move it away, and write the configuration there")
        data = path.read_bytes()
    except FileNotFoundError as error:
        if path.is_symlink():
            raise _refuse(path, None, f"is a link to {path.readlink()}, which is not there", "mend the link") from error
        raise _MissingFileError from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _refuse(path, None, f"cannot be read: {reason}", "make it a file that you may read") from error
    except ValueError as error:
        raise _refuse(path, None, "is no path that can be opened", "choose another path") from error
    return _decode(path, data)


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")  # editors on Windows put a byte order mark in front
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise _refuse(path, line, message, "save the file as UTF-8") from error


def _parse(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # a syntax error, or a number of thousands of digits
        message, line = _explain_syntax(str(error), text)
        raise _refuse(path, line, message, "correct this line; nothing in the file counts before") from error
    except RecursionError as error:
        raise _refuse(path, None, "lists or tables are nested too deeply", "write them flat") from error


def _explain_syntax(message: str, text: str) -> tuple[str, int | None]:
    """The parser's words made a message and a line."""
    if found := re.search(r" \(at line (\d+), column (\d+)\)$", message):
        what, line = message[: found.start()], int(found[1])
    elif message.endswith(" (at end of document)"):
        what, line = message.removesuffix(" (at end of document)"), max(1, len(text.splitlines()))
    else:
        return f"not valid TOML: {message}", None
    if twice := re.fullmatch(r"Cannot declare \((.*)\) twice", what):
        keys = tuple(re.findall(r"'([^']*)'", twice[1]))
        return f"[{format_keys(keys)}] is there twice", line
    if what == "Cannot overwrite a value":
        return "this key is there twice", line
    return f"not valid TOML: {what[:1].lower()}{what[1:]}", line


def _format_place(fault: Fault) -> str:
    *table, key = fault.path
    if fault.is_table:
        return f"[{format_keys(fault.path)}]"
    return f"[{format_keys(tuple(table))}] {format_keys((key,))}" if table else format_keys((key,))
