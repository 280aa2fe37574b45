"""What a server program says of its version, and how often it is asked."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.config.binary import BinaryKind, ServerBinary, find_binary
from engine.process.program_version import ProgramVersions, parse_version

if sys.platform == "win32":
    pytest.skip("shell scripts", allow_module_level=True)


def make_server(folder: Path, script: str) -> ServerBinary:
    path = folder / "llama-server"
    path.write_text(f"#!/bin/sh\necho asked >> {folder}/asked\n{script}\n")
    path.chmod(0o755)
    return ServerBinary(BinaryKind.LLAMA_SERVER, (str(path),), str(path))


def count_questions(folder: Path) -> int:
    return len((folder / "asked").read_text().splitlines())


def test_two_hundred_starts_at_once_ask_once(tmp_path: Path) -> None:
    server = make_server(tmp_path, 'echo "version: 6.1 (build 11434)" >&2')
    versions = ProgramVersions({"PATH": "/usr/bin:/bin"})
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: versions.ask(server), range(200))) == {"6.1 (build 11434)"}
    assert count_questions(tmp_path) == 1


def test_a_program_that_was_replaced_is_asked_again(tmp_path: Path) -> None:
    versions = ProgramVersions({"PATH": "/usr/bin:/bin"})
    assert versions.ask(make_server(tmp_path, "echo version: 1")) == "1"
    assert versions.ask(make_server(tmp_path, "echo version: 22")) == "22"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("exit 1", id="silent"),
        pytest.param("echo usage: whatever", id="something else"),
        pytest.param("sleep 60 & sleep 60", id="hangs, with a child that keeps its output open"),
    ],
)
def test_a_program_that_does_not_say_has_no_version_and_holds_nobody_up(tmp_path: Path, script: str) -> None:
    assert ProgramVersions({"PATH": "/usr/bin:/bin"}).ask(make_server(tmp_path, script)) == ""


def test_a_program_that_is_gone_has_no_version(tmp_path: Path) -> None:
    path = str(tmp_path / "none")
    assert ProgramVersions({}).ask(ServerBinary(BinaryKind.LLAMA_SERVER, (path,), path)) == ""


def test_no_variable_makes_a_server_of_the_question(tmp_path: Path) -> None:
    server = make_server(tmp_path, 'echo "version: [$LLAMA_ARG_PORT]"')
    assert ProgramVersions({"PATH": "/bin", "LLAMA_ARG_PORT": "80"}).ask(server) == "[]"


def test_the_embedded_server_names_its_wheel() -> None:
    pytest.importorskip("xllamacpp")
    assert ProgramVersions({}).ask(find_binary("embedded", {}, "a")).startswith("xllamacpp 2")


def test_a_version_is_one_harmless_line() -> None:
    assert parse_version("noise\nversion: 1\x1b[31m.2\t\nversion: 9\n") == "1[31m.2"
    assert len(parse_version("version: " + "9" * 5000)) == 100
