"""Command lines and environments, with real key files and programs."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.config.binary import BinaryKind, ServerBinary
from engine.config.command import ServerCommand, binding_warning, build_command, model_label
from engine.config.redact import HIDDEN
from engine.config.schema import InstanceConfig
from engine.errors import BinaryNotFoundError, StartFailedError

SERVER = ServerBinary(BinaryKind.LLAMA_SERVER, ("/bin/llama-server",), "/bin/llama-server")
EMBEDDED = ServerBinary(BinaryKind.EMBEDDED, ("/bin/python", "-I", "/x/launcher.py"), "/x/launcher.py")
ENVIRON = {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "USERPROFILE": str(Path.home())}


def build(environ: dict[str, str] = ENVIRON, **values: Any) -> ServerCommand:  # noqa: ANN401 - any key of the schema
    instance = InstanceConfig.model_validate({"model": "/m/a.gguf"} | values)
    return build_command("qwen", instance, SERVER, 8081, environ)


def build_program(*command: str, port: int | None = 8081, **values: Any) -> ServerCommand:  # noqa: ANN401 - likewise
    instance = InstanceConfig.model_validate({"command": command} | values)
    return build_command("tool", instance, None, port, ENVIRON)


def test_only_what_is_set_becomes_a_flag() -> None:
    assert build().argv == (
        *("/bin/llama-server", "--model", "/m/a.gguf"),
        *("--host", "127.0.0.1", "--port", "8081"),
    )


def test_every_setting_becomes_two_arguments_and_args_come_last() -> None:
    argv = build(
        host="0.0.0.0", port=9, ctx_size=0, parallel=2, gpu_layers="all", threads=3, args=["--flash-attn", "on"]
    ).argv
    assert argv[3:] == (
        *("--host", "0.0.0.0", "--port", "8081", "--ctx-size", "0", "--parallel", "2"),
        *("--gpu-layers", "all", "--threads", "3", "--flash-attn", "on"),
    )


def test_a_hub_model_is_downloaded_by_llama_server() -> None:
    instance = InstanceConfig(hf="owner/repo:Q4_K_M")
    assert build_command("q", instance, SERVER, 1, ENVIRON).argv[1:3] == ("--hf-repo", "owner/repo:Q4_K_M")


def test_a_hub_model_under_the_embedded_server_is_refused_with_the_fix() -> None:
    with pytest.raises(StartFailedError, match=r"q: hf = o/r: .*cannot download.*`model`.*llama-server"):
        build_command("q", InstanceConfig(hf="o/r"), EMBEDDED, 1, ENVIRON)


def test_the_embedded_server_takes_the_same_flags() -> None:
    instance = InstanceConfig(model="/m")
    argv = build_command("q", instance, EMBEDDED, 1, ENVIRON).argv
    assert argv[:5] == (*EMBEDDED.argv, "--model", "/m")


@pytest.mark.parametrize(("server", "port"), [(None, 1), (SERVER, None)])
def test_a_server_without_binary_or_port_is_a_mistake_of_the_caller(
    server: ServerBinary | None, port: int | None
) -> None:
    with pytest.raises(ValueError, match="needs a binary and a port"):
        build_command("q", InstanceConfig(model="/m"), server, port, ENVIRON)


class TestEnvironment:
    def test_a_stray_server_variable_is_dropped_and_the_instances_own_stays(self) -> None:
        env = build(ENVIRON | {"LLAMA_ARG_PORT": "1", "KEPT": "1"}, env={"LLAMA_ARG_MLOCK": "1"}).env
        assert "LLAMA_ARG_PORT" not in env
        assert (env["LLAMA_ARG_MLOCK"], env["KEPT"], env["GGML_NO_BACKTRACE"]) == ("1", "1", "1")

    def test_the_instances_variables_win(self) -> None:
        assert build(ENVIRON | {"A": "1"}, env={"A": "2", "GGML_NO_BACKTRACE": "0"}).env | ENVIRON == {
            **ENVIRON,
            "A": "2",
            "GGML_NO_BACKTRACE": "0",
        }

    def test_the_callers_environment_is_not_changed(self) -> None:
        environ = {**ENVIRON, "LLAMA_ARG_X": "1"}
        build(environ, env={"A": "1"})
        assert environ == {**ENVIRON, "LLAMA_ARG_X": "1"}


class TestApiKey:
    def test_a_key_reaches_the_server_by_environment_and_never_by_argv(self) -> None:
        command = build(api_key="hunter2")
        assert (command.env["LLAMA_API_KEY"], command.api_key) == ("hunter2", "hunter2")
        assert "hunter2" not in " ".join(command.argv)
        assert "hunter2" not in repr(command)

    def test_a_key_file_is_read_without_its_line_end(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_bytes(b"\xef\xbb\xbf hunter2\r\n")
        assert build(api_key_file=str(tmp_path / "key")).env["LLAMA_API_KEY"] == "hunter2"

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (None, "no such file"),
            (b" \n", "is empty"),
            (b"a\nb\n", "holds more than one line"),
            (b"\xff\xfe", "is not text in UTF-8"),
        ],
    )
    def test_a_key_file_that_holds_no_key_is_named(self, tmp_path: Path, content: bytes | None, reason: str) -> None:
        path = tmp_path / "key"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(StartFailedError) as caught:
            build(api_key_file=str(path))
        assert str(caught.value).startswith(f"qwen: API key file {path}: {reason}")
        assert "`api_key_file` in [instances.qwen]" in str(caught.value)

    def test_a_key_of_the_callers_environment_guards_a_llama_server_and_is_known_to_probes(self) -> None:
        command = build(ENVIRON | {"LLAMA_API_KEY": "outer"})
        assert (command.env["LLAMA_API_KEY"], command.api_key) == ("outer", "outer")

    def test_a_key_of_the_callers_environment_is_not_sent_to_another_program(self) -> None:
        instance = InstanceConfig(command=(sys.executable,))
        assert build_command("t", instance, None, 1, ENVIRON | {"LLAMA_API_KEY": "outer"}).api_key == ""

    def test_secrets_in_args_are_hidden_in_the_shown_command_line_only(self) -> None:
        command = build(args=["--some-token", "hunter2", "--verbose"])
        assert command.argv[-3:] == ("--some-token", "hunter2", "--verbose")
        assert command.redacted[-3:] == ("--some-token", HIDDEN, "--verbose")


class TestOtherPrograms:
    def test_placeholders_are_filled_in_one_pass_and_other_braces_kept(self) -> None:
        command = build_program(sys.executable, "{host}:{port}", "{name}{x}", '{"a":1}', args=["--port={port}"])
        assert command.argv[1:] == ("127.0.0.1:8081", "tool{x}", '{"a":1}', "--port=8081")

    def test_port_and_host_are_in_its_environment_and_its_own_words_win(self) -> None:
        assert {**build_program(sys.executable).env, **ENVIRON} == {
            **ENVIRON,
            "GGML_NO_BACKTRACE": "1",
            "HOST": "127.0.0.1",
            "PORT": "8081",
        }
        assert build_program(sys.executable, env={"PORT": "1"}).env["PORT"] == "1"

    def test_a_program_without_a_port_is_told_none(self) -> None:
        command = build_program(sys.executable, "x", port=None, healthcheck={"type": "none"})
        assert "PORT" not in command.env

    def test_the_program_is_found_once_on_the_path_of_its_own_environment(self, tmp_path: Path) -> None:
        name = "serve.exe" if sys.platform == "win32" else "serve"
        (tmp_path / name).touch(0o755)
        assert build_program(name, env={"PATH": str(tmp_path)}).argv == (str(tmp_path / name),)

    def test_a_program_that_is_not_there_is_named(self) -> None:
        with pytest.raises(BinaryNotFoundError, match=r"tool: program no-such-x: not on PATH; correct `command`"):
            build_program("no-such-x")


class TestWorkingFolder:
    def test_the_configured_folder_is_used(self, tmp_path: Path) -> None:
        assert build(cwd=str(tmp_path)).cwd == str(tmp_path)

    def test_without_one_it_is_the_home_of_the_environment(self, tmp_path: Path) -> None:
        environ = {**ENVIRON, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
        assert build(environ).cwd == str(tmp_path)

    def test_a_folder_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(StartFailedError, match=r"qwen: working folder .*gone: no such folder; .*`cwd`"):
            build(cwd=str(tmp_path / "gone"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST"])
def test_a_loopback_address_needs_no_warning(host: str) -> None:
    assert binding_warning(host) == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.2", "fe80::1%eth0", "box.local"])
def test_any_other_address_is_warned_of_by_name(host: str) -> None:
    assert host in binding_warning(host)


@pytest.mark.parametrize(
    ("values", "label"),
    [
        ({"model": "/m/deep/a.gguf"}, "a.gguf"),
        ({"hf": "owner/repo:Q4"}, "owner/repo:Q4"),
        ({"command": ["/opt/bin/serve", "-x"]}, "serve"),
    ],
)
def test_the_label_of_a_model_is_short(values: dict[str, Any], label: str) -> None:
    assert model_label(InstanceConfig.model_validate(values)) == label
