"""Reads the command line of the embedded server as `llama-server` reads its own, and says no in its words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.config.redact import redact_argv
from engine.embedded.flags import FLAGS, Flag, index_by_name, reason_against
from engine.embedded.values import FALSE_WORDS, TRUE_WORDS
from engine.errors import EngineError

HELP_COLUMN = 40
"""Where the explanation of a flag begins."""


class Command(StrEnum):
    """What the command line asks for."""

    SERVE = "serve"
    HELP = "help"
    VERSION = "version"
    LIST_DEVICES = "list-devices"


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter to set."""

    flag: Flag
    value: object


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command line that makes sense."""

    command: Command
    settings: tuple[Setting, ...] = ()
    """In the order in which they take effect."""
    warnings: tuple[str, ...] = ()


class ArgumentError(EngineError):
    """A flag or a value that the server does not take; the message is what `llama-server` prints."""


_COMMANDS = {
    "-h": Command.HELP,
    "--help": Command.HELP,
    "--usage": Command.HELP,
    "--version": Command.VERSION,
    "--list-devices": Command.LIST_DEVICES,
}


def parse_command_line(argv: Sequence[str], environ: Mapping[str, str]) -> CommandLine:
    """What `argv` asks for; a flag that is not given is taken from its variable in `environ`.

    Raises:
        ArgumentError: an unknown flag, a bad value, or a value that is missing.
    """
    by_name = index_by_name(FLAGS)
    words = iter(argv)
    settings: list[Setting] = []
    for word in words:
        name = word.replace("_", "-") if word.startswith("--") else word
        if name in _COMMANDS:
            return CommandLine(_COMMANDS[name])
        if name not in by_name:
            raise _unknown(name)
        settings.append(Setting(by_name[name], _read_value(by_name[name], name, words)))
    given = {setting.flag for setting in settings}
    warnings = [
        f"warn: {flag.variable} environment variable is set, but will be overwritten by command line argument {name}"
        for flag in FLAGS
        if flag in given and flag.variable in environ
        for name in flag.names[-1:]
    ]
    return CommandLine(Command.SERVE, (*_read_environment(environ, given), *settings), tuple(warnings))


def format_help() -> str:
    """Every flag that is taken, one block each, as `llama-server --help` shows them."""
    commands = [
        _columns("-h,    --help, --usage", "print usage and exit"),
        _columns("--version", "show version and build info"),
        _columns("--list-devices", "print list of available devices and exit"),
    ]
    return "\n".join([*commands, *(format_flag(flag) for flag in FLAGS)]) + "\n"


def format_flag(flag: Flag) -> str:
    """One flag's block of the help."""
    names = ", ".join((*flag.names, *flag.off_names))
    block = _columns(f"{names} {flag.placeholder}".rstrip(), flag.help)
    return f"{block}\n{' ' * HELP_COLUMN}(env: {flag.variable})" if flag.variable else block


def _columns(left: str, right: str) -> str:
    if len(left) < HELP_COLUMN:
        return left.ljust(HELP_COLUMN) + right
    return f"{left}\n{' ' * HELP_COLUMN}{right}"


def _read_value(flag: Flag, name: str, words: Iterator[str]) -> object:
    """The value that follows `name`, or the one that the switch stands for."""
    if flag.convert is None:
        return flag.on if name in flag.names else not flag.on
    value = next(words, None)
    if value is None:
        raise _bad_value(f'argument "{name}"', "expected value for argument", flag)
    try:
        return flag.convert(value)
    except ValueError as error:
        raise _bad_value(f'argument "{name}"', str(error), flag) from None


def _read_environment(environ: Mapping[str, str], given: set[Flag]) -> Iterator[Setting]:
    """The settings that the environment holds for flags that were not given."""
    for flag in FLAGS:
        if not flag.variable or flag in given or flag.variable not in environ:
            continue
        value = environ[flag.variable]
        if flag.convert is None:
            yield from _read_switch_variable(flag, value)
            continue
        try:
            yield Setting(flag, flag.convert(value))
        except ValueError as error:
            raise _bad_value(f'environment variable "{flag.variable}"', str(error), flag) from None


def _read_switch_variable(flag: Flag, value: str) -> Iterator[Setting]:
    """What a variable says of a switch; a switch without an opposite hears nothing but yes."""
    if value in TRUE_WORDS:
        yield Setting(flag, flag.on)
    elif flag.off_names and value in FALSE_WORDS:
        yield Setting(flag, not flag.on)
    elif flag.off_names:
        raise _bad_value(f'environment variable "{flag.variable}"', f"unknown value {value!r}", flag)


def _unknown(name: str) -> ArgumentError:
    shown = redact_argv((name,))[0]  # the log keeps these words
    return ArgumentError(f"error: invalid argument: {shown} ({reason_against(name.partition('=')[0])})")


def _bad_value(source: str, reason: str, flag: Flag) -> ArgumentError:
    return ArgumentError(
        f"error while handling {source}: {reason}\n\nusage:\n{format_flag(flag)}\n\nto show complete usage, run with -h"
    )
