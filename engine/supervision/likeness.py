"""Whether a run that somebody else started is what the file says today: its command line tells."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from engine.config.binary import find_binary
from engine.config.command import build_command
from engine.config.schema import InstanceConfig
from engine.supervision.slot import Run


def is_as_configured(
    name: str, run: Run, spec: InstanceConfig, server_setting: str, environ: Mapping[str, str]
) -> bool:
    """True when a start would execute the same arguments now; the program itself may lie elsewhere.

    What a server finds in its environment is not looked at: it is written down nowhere.

    Raises:
        StartFailedError: (or one of its kinds) nothing could be started now.
    """
    if spec.port != run.port and (spec.port != "auto" or run.port is None):
        return False
    server = None if spec.command else find_binary(spec.binary or server_setting, environ, name)
    command = build_command(name, spec, server, run.port, environ)
    program = server.path if server is not None else command.argv[0]
    return _arguments(shlex.split(run.cmdline), run.binary) == _arguments(list(command.redacted), program)


def _arguments(words: list[str], program: str) -> list[str]:
    """What stands behind the program."""
    return words[words.index(program) + 1 :] if program in words else words
