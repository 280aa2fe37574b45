"""Real folders as PATH; the embedded package's absence is made in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.config.binary import BinaryKind, ServerBinary, find_binary
from engine.embedded.location import LAUNCHER_PATH
from engine.errors import BinaryNotFoundError, ExitCode

NAME = "llama-server.exe" if sys.platform == "win32" else "llama-server"

WITHOUT_EMBEDDED = """\
import sys
sys.modules["xllamacpp"] = None  # what the import system takes for "not installed"
from engine.config.binary import find_binary
from engine.errors import BinaryNotFoundError
try:
    find_binary(sys.argv[1], {"PATH": sys.argv[2]}, "qwen")
except BinaryNotFoundError as error:
    print(error)
"""


def make_program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o755)
    return path


def refusal_without_embedded(setting: str, path: Path) -> str:
    argv = [sys.executable, "-c", WITHOUT_EMBEDDED, setting, str(path)]
    root = Path(__file__).parents[3]
    return subprocess.run(argv, cwd=root, capture_output=True, text=True, check=True, timeout=60).stdout


def test_auto_prefers_llama_server_on_the_given_path(tmp_path: Path) -> None:
    program = make_program(tmp_path / "bin" / NAME)
    found = find_binary("auto", {"PATH": str(program.parent)}, "qwen")
    assert found == ServerBinary(BinaryKind.LLAMA_SERVER, (str(program),), str(program))


@pytest.mark.parametrize("environ", [{}, {"PATH": ""}, {"PATH": "/nowhere"}])
def test_auto_falls_back_to_the_embedded_server(environ: dict[str, str]) -> None:
    found = find_binary("auto", environ, "qwen")
    assert found == ServerBinary(BinaryKind.EMBEDDED, (sys.executable, "-I", str(LAUNCHER_PATH)), str(LAUNCHER_PATH))


def test_embedded_forces_the_embedded_server(tmp_path: Path) -> None:
    make_program(tmp_path / NAME)
    assert find_binary("embedded", {"PATH": str(tmp_path)}, "qwen").kind is BinaryKind.EMBEDDED


def test_the_launcher_lies_in_the_embedded_package() -> None:
    assert LAUNCHER_PATH.is_absolute()
    assert LAUNCHER_PATH.parts[-3:] == ("engine", "embedded", "launcher.py")


def test_a_path_is_expanded_and_used(tmp_path: Path) -> None:
    program = make_program(tmp_path / "my server" / NAME)
    environ = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "D": str(tmp_path)}
    for setting in (str(program), f"~/my server/{NAME}", f"$D/my server/{NAME}"):
        assert Path(find_binary(setting, environ, "qwen").path) == program


def test_a_bare_name_is_looked_up_on_path(tmp_path: Path) -> None:
    program = make_program(tmp_path / NAME)
    assert find_binary(NAME, {"PATH": str(tmp_path)}, "qwen").argv == (str(program),)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("/no/such/server", "no such file"),
        ("no-such-server", "not on PATH"),
        ("$NOPE/server", "the environment variable NOPE is not set"),
    ],
)
def test_a_binary_that_is_not_there_is_named_with_the_instance_and_the_key(setting: str, reason: str) -> None:
    with pytest.raises(BinaryNotFoundError) as caught:
        find_binary(setting, {}, "qwen")
    assert caught.value.exit_code is ExitCode.BINARY_NOT_FOUND
    assert str(caught.value).startswith(f"qwen: server binary {setting}: {reason}; correct `[server] binary`")


@pytest.mark.skipif(sys.platform == "win32", reason="no mode bits on Windows")
def test_a_file_that_cannot_be_executed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "server").touch(0o644)
    with pytest.raises(BinaryNotFoundError, match="is not executable"):
        find_binary(str(tmp_path / "server"), {}, "qwen")
    with pytest.raises(BinaryNotFoundError, match="is a folder"):
        find_binary(str(tmp_path), {}, "qwen")


@pytest.mark.parametrize("setting", ["auto", "embedded"])
def test_without_any_server_the_message_says_how_to_install_one(tmp_path: Path, setting: str) -> None:
    told = refusal_without_embedded(setting, tmp_path)
    assert told.startswith("qwen: ")
    assert ("llama-server is not on PATH" in told) == (setting == "auto")
    for fix in ("pipx inject llama-orch-tui xllamacpp", 'pip install "llama-orch-tui[embedded]"', "[server] binary"):
        assert fix in told
