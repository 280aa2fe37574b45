"""Every command of the real program ends with the code that the documentation gives."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from engine.errors import EXIT_CODE_MEANINGS, ExitCode
from tests.fakes.homes import ThrowAwayHome, fake_table, free_port, throw_away_home

PAGE = Path(__file__).parents[2] / "docs" / "exit-codes.md"

OK, USAGE = ExitCode.OK, ExitCode.USAGE
STEPS: tuple[tuple[str, ExitCode, str], ...] = (
    ("--version", OK, ""),
    ("ps", OK, ""),
    ("frobnicate", USAGE, "frobnicate"),
    ("start", USAGE, ""),
    ("start a --all", USAGE, ""),
    ("logs a -n minus", USAGE, "minus"),
    ("start nosuch", ExitCode.NO_SUCH_INSTANCE, "nosuch"),
    ("stop nosuch", ExitCode.NO_SUCH_INSTANCE, "nosuch"),
    ("restart nosuch", ExitCode.NO_SUCH_INSTANCE, "nosuch"),
    ("health nosuch", ExitCode.NO_SUCH_INSTANCE, "nosuch"),
    ("describe nosuch", ExitCode.NO_SUCH_INSTANCE, "nosuch"),
    ("logs nosuch", ExitCode.NO_SUCH_INSTANCE, "nosuch"),
    ("remove nosuch", ExitCode.NO_SUCH_INSTANCE, "nosuch"),
    ("profile use nosuch", ExitCode.NO_SUCH_INSTANCE, "nosuch"),
    ("start gone", ExitCode.MODEL_NOT_FOUND, "/nowhere/model.gguf"),
    ("start homeless", ExitCode.BINARY_NOT_FOUND, "/nowhere/llama-server"),
    ("start taken", ExitCode.PORT_IN_USE, "port"),
    ("start nosuch gone", ExitCode.NO_SUCH_INSTANCE, "nosuch"),
    ("stop a", ExitCode.NOT_RUNNING, "a"),
    ("health a", ExitCode.NOT_RUNNING, "stopped"),
    ("stop --all", OK, ""),
    ("start a --wait", OK, "a"),
    ("start a", ExitCode.ALREADY_RUNNING, "a"),
    ("start a b", OK, "b"),
    ("restart --unhealthy", OK, ""),
    ("restart a --wait", OK, "a"),
    ("add a --model /nowhere/model.gguf", ExitCode.INSTANCE_EXISTS, "a"),
    ("describe a", OK, ""),
    ("logs a", OK, ""),
    ("events a", OK, ""),
    ("stop a b", OK, ""),
    ("daemon status", ExitCode.DAEMON_NOT_RUNNING, "daemon"),
    ("daemon stop", ExitCode.DAEMON_NOT_RUNNING, "daemon"),
    ("daemon start", OK, ""),
    ("daemon start", ExitCode.DAEMON_ALREADY_RUNNING, "daemon"),
    ("daemon status", OK, ""),
    ("daemon stop", OK, ""),
    ("config validate", OK, ""),
    ("config show", OK, ""),
    ("config schema", OK, ""),
    ("import /nowhere", ExitCode.CONFIG_NOT_FOUND, "/nowhere"),
)
"""Command, its code, and what the message must name."""

BROKEN_STEPS: tuple[tuple[str, ExitCode, str], ...] = (
    ("config validate", ExitCode.CONFIG_INVALID, "config.toml:"),
    ("health a", ExitCode.CONFIG_INVALID, "config.toml:"),
    ("describe a", ExitCode.CONFIG_INVALID, "config.toml:"),
    ("start a", ExitCode.CONFIG_INVALID, "config.toml:"),
    ("add b --model /nowhere/model.gguf", ExitCode.CONFIG_INVALID, "config.toml:"),
    ("start a --all", USAGE, ""),
)


def run_steps(home: ThrowAwayHome, steps: tuple[tuple[str, ExitCode, str], ...]) -> list[str]:
    """Run them one after the other; what was not as it should be."""
    wrong = []
    for words, code, name in steps:
        done = home.run_cli(*words.split())
        said = done.stdout + done.stderr
        if done.returncode != int(code) or name not in said:
            wrong.append(f"`{words}`: {done.returncode} in place of {int(code)}, or no {name!r} in: {said.strip()}")
    return wrong


@pytest.mark.timeout(300)
def test_every_command_ends_with_its_code_and_names_what_is_wrong() -> None:
    with throw_away_home() as home, socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        tables = [
            fake_table("a"),
            fake_table("b"),
            fake_table("taken", port=str(holder.getsockname()[1])),
            f'[instances.gone]\nmodel = "/nowhere/model.gguf"\nport = {free_port()}\n',
            f'[instances.homeless]\nmodel = "{__file__}"\nbinary = "/nowhere/llama-server"\nport = {free_port()}\n',
        ]
        home.write_config("\n".join(tables))
        assert run_steps(home, STEPS) == []


def test_a_broken_file_comes_after_wrong_usage_and_before_everything_else() -> None:
    with throw_away_home() as home:
        home.write_config("[instances.a]\nmodel = = 1\n")
        assert run_steps(home, BROKEN_STEPS) == []


def test_the_page_lists_every_code_once() -> None:
    listed = [int(code) for code in re.findall(r"^\| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)]
    assert listed == sorted(int(code) for code in ExitCode) == [int(code) for code in EXIT_CODE_MEANINGS]
