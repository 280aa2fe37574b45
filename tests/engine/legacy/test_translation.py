"""Each key of an old configuration: what it becomes, or what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.config.expand import Surroundings
from engine.legacy.checking import check_table
from engine.legacy.translation import Translation, translate

ENVIRON = {"PATH": ""}
MODEL = {"path": "/m/x.gguf"}

WHOLE: dict[str, object] = {
    "name": "qwen",
    "model": {"path": "/m/x.gguf", "context_size": 8192, "batch_size": 256, "threads": 6},
    "server": {"host": "0.0.0.0", "port": 9001, "timeout": 30, "parallel": 4},
    "gpu": {"backend": "cuda", "device_id": 1, "layers": 33},
    "env": {"A": "b"},
    "args": ["--flash-attn", "on"],
    "tags": ["chat"],
    "healthcheck": {
        "type": "http",
        "path": "/v1/health",
        "expected_status": [204],
        "interval": 7,
        "timeout": 3,
        "retries": 2,
        "start_period": 90,
        "warmup_enabled": True,
    },
    "restart_policy": {
        "enabled": True,
        "max_retries": 9,
        "backoff_multiplier": 3.0,
        "initial_delay": 0.5,
        "max_delay": 60.0,
    },
    "logs": {"max_size_mb": 50, "rotation": 7},
}


def made(raw: dict[str, object], root: Path = Path("/old")) -> Translation:
    return translate(raw, str(raw.get("name", "qwen")), root / "instances" / "qwen", root, ENVIRON)


def part(found: Translation, key: str) -> dict[str, object]:
    value = found.table[key]
    assert isinstance(value, dict)
    return value


def test_every_key_that_has_a_counterpart_becomes_it() -> None:
    found = made(WHOLE)
    assert found.table == {
        "model": "/m/x.gguf",
        "ctx_size": 8192,
        "threads": 6,
        "host": "0.0.0.0",
        "port": 9001,
        "parallel": 4,
        "gpu_layers": 33,
        "env": {"A": "b", "CUDA_VISIBLE_DEVICES": "1"},
        "args": ["--batch-size", "256", "--timeout", "30", "--alias", "qwen", "--flash-attn", "on"],
        "tags": ["chat"],
        "healthcheck": {
            "type": "http",
            "path": "/v1/health",
            "expected_status": 204,
            "interval": 7,
            "timeout": 3,
            "retries": 2,
            "start_period": 90,
            "warmup_enabled": True,
        },
        "restart_policy": {
            "policy": "always",
            "max_retries": 9,
            "multiplier": 3.0,
            "initial_delay": 0.5,
            "max_delay": 60.0,
        },
        "logs": {"max_size_mb": 50, "backups": 7},
    }
    assert check_table("qwen", found.table, {}, Surroundings(Path("/home"), ENVIRON)).refusal == ""


def test_what_an_old_file_leaves_out_has_the_default_that_its_server_ran_with() -> None:
    assert made({"model": MODEL}).table == {
        "model": "/m/x.gguf",
        "port": 8001,
        "ctx_size": 4096,
        "parallel": 1,
        "threads": 8,
        "host": "127.0.0.1",
        "gpu_layers": 0,
        "args": ["--batch-size", "512", "--timeout", "600", "--alias", "qwen"],
        "restart_policy": {"policy": "always"},
    }


@pytest.mark.parametrize(
    ("table", "key", "reason"),
    [
        ("healthcheck", "expected_body", "7 is no text"),
        ("healthcheck", "retry_delay", "even intervals"),
        ("healthcheck", "backoff_jitter", "even intervals"),
        ("logs", "stdout", "logs lie in"),
        ("gpu", "layers", "was not told"),
        ("gpu", "device_id", "uses no device"),
        ("binary", "version", "no llama-server of it"),
        ("", "instance_uid", "bookkeeping"),
        ("", "parameter_mutability", "bookkeeping"),
        ("", "surprise", "unknown to llama-orchestrator"),
        ("server", "surprise", "unknown to llama-orchestrator"),
    ],
)
def test_a_key_without_counterpart_is_named_with_the_reason(table: str, key: str, reason: str) -> None:
    raw: dict[str, object] = {"model": dict(MODEL)}
    raw |= {table: {key: 7}} if table else {key: 7}
    told = [words for words in made(raw).remarks if f"{table}.{key}".lstrip(".") in words]
    assert len(told) == 1
    assert reason in told[0]


def test_null_and_empty_tables_say_nothing_and_are_not_named() -> None:
    raw: dict[str, object] = {
        "model": MODEL,
        "binary": None,
        "sort_order": None,
        "healthcheck": {"expected_body": None},
    }
    assert made(raw | {"model_metadata": None, "future": {}}).remarks == ("model: no such file: /m/x.gguf",)


def test_the_text_that_a_healthy_server_answers_with_is_still_looked_for() -> None:
    found = made({"model": MODEL, "healthcheck": {"expected_body": '"ok"'}})
    assert part(found, "healthcheck")["expected_body"] == '"ok"'
    assert not any("expected_body" in words for words in found.remarks)


def test_an_instance_that_was_not_restarted_is_never_restarted() -> None:
    found = made({"model": MODEL, "restart_policy": {"enabled": False}})
    assert part(found, "restart_policy")["policy"] == "never"


@pytest.mark.parametrize(
    ("backend", "variable", "value"), [("vulkan", "GGML_VULKAN_DEVICE", "2"), ("cuda", "CUDA_VISIBLE_DEVICES", "2")]
)
def test_a_device_becomes_the_variable_that_the_server_was_told(backend: str, variable: str, value: str) -> None:
    found = made({"model": MODEL, "gpu": {"backend": backend, "device_id": 2, "layers": 9}})
    assert part(found, "env") == {variable: value}
    assert any("gpu.device_id" in words for words in found.remarks)


def test_a_variable_of_its_own_decides_over_the_device() -> None:
    raw: dict[str, object] = {"model": MODEL, "gpu": {"backend": "cuda", "device_id": 2}}
    found = made(raw | {"env": {"CUDA_VISIBLE_DEVICES": "0"}})
    assert part(found, "env") == {"CUDA_VISIBLE_DEVICES": "0"}
    assert any("gpu.device_id: 2 left out" in words for words in found.remarks)


def test_a_backend_that_takes_no_device_says_so() -> None:
    found = made({"model": MODEL, "gpu": {"backend": "hip", "device_id": 1, "layers": 5}})
    assert "env" not in found.table
    assert any("gpu.device_id: 1 left out" in words for words in found.remarks)


class TestArguments:
    def args(self, *args: str) -> Translation:
        return made({"model": MODEL, "args": list(args)})

    @pytest.mark.parametrize(
        ("args", "key", "value"),
        [
            (("--port", "9009"), "port", 9009),
            (("--host=::1",), "host", "::1"),
            (("-m", "/other.gguf"), "model", "/other.gguf"),
            (("--api-key", "s3cret"), "api_key", "s3cret"),
        ],
    )
    def test_a_flag_that_a_key_owns_becomes_the_key(self, args: tuple[str, ...], key: str, value: object) -> None:
        found = self.args(*args, "--jinja")
        assert found.table[key] == value
        assert isinstance(found.table["args"], list)
        assert found.table["args"][-1] == "--jinja"
        assert not {"--port", "--host=::1", "-m", "--api-key"} & set(found.table["args"])

    def test_a_secret_is_moved_and_never_said(self) -> None:
        assert "s3cret" not in " ".join(self.args("--api-key", "s3cret").remarks)

    @pytest.mark.parametrize("args", [("-hft", "t0ken"), ("--hf-token=t0ken",)])
    def test_a_token_goes_into_the_environment(self, args: tuple[str, ...]) -> None:
        found = made({"model": MODEL, "args": [*args, "--jinja"], "env": {"HF_TOKEN": "older", "A": "b"}})
        assert found.table["env"] == {"HF_TOKEN": "t0ken", "A": "b"}
        assert "t0ken" not in json.dumps([found.table["args"], found.remarks])

    def test_a_token_that_has_no_place_is_said_to_be_left_out(self) -> None:
        found = made({"model": MODEL, "args": ["--hf-token", "t0ken"], "env": "A=b"})
        assert "args: --hf-token left out: env, where it belongs as HF_TOKEN, is no table" in found.remarks
        assert "t0ken" not in json.dumps([found.table, found.remarks])

    def test_an_argument_of_its_own_is_not_said_twice(self) -> None:
        assert self.args("-b", "64", "--timeout=9", "-a", "x").table["args"] == ["-b", "64", "--timeout=9", "-a", "x"]

    def test_a_second_model_from_the_hub_is_named(self) -> None:
        assert any("-hf a/b left out" in words for words in self.args("-hf", "a/b").remarks)

    def test_arguments_that_are_no_texts_are_named(self) -> None:
        found = made({"model": MODEL, "args": ["--x", 3]})
        assert "args: left out: not a list of texts" in found.remarks

    def test_a_file_relative_to_the_old_folder_stays_what_it_was(self, tmp_path: Path) -> None:
        (tmp_path / "draft.gguf").touch()
        found = made({"model": MODEL, "args": ["--model-draft", "draft.gguf"]}, tmp_path)
        assert found.table["cwd"] == str(tmp_path)
        assert "cwd" not in self.args("--model-draft", "draft.gguf").table


class TestModelPaths:
    def model(self, text: str, root: Path) -> tuple[object, str]:
        found = made({"model": {"path": text}}, root)
        return found.table["model"], " ".join(words for words in found.remarks if words.startswith("model:"))

    def test_it_resolves_against_the_configurations_folder(self, tmp_path: Path) -> None:
        file = tmp_path / "instances" / "qwen" / "x.gguf"
        file.parent.mkdir(parents=True)
        file.touch()
        (tmp_path / "x.gguf").touch()
        assert self.model("x.gguf", tmp_path) == (str(file), "")

    @pytest.mark.parametrize("text", ["models/x.gguf", "models\\x.gguf"], ids=["slash", "backslash"])
    def test_a_file_that_is_only_in_the_old_programs_folder_is_found_there(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "models").mkdir()
        (tmp_path / "models" / "x.gguf").touch()
        assert self.model(text, tmp_path) == (str(tmp_path / "models" / "x.gguf"), "")

    def test_a_file_that_is_nowhere_is_named_with_both_places(self, tmp_path: Path) -> None:
        path, told = self.model("x.gguf", tmp_path)
        assert path == str(tmp_path / "instances" / "qwen" / "x.gguf")
        assert str(path) in told
        assert str(tmp_path / "x.gguf") in told

    def test_a_path_of_windows_is_named(self, tmp_path: Path) -> None:
        path, told = self.model("K:\\m\\x.gguf", tmp_path)
        assert path == "K:\\m\\x.gguf"
        assert "path of Windows" in told

    def test_a_dollar_sign_stays_one(self, tmp_path: Path) -> None:
        (tmp_path / "a$b.gguf").touch()
        assert self.model("a$b.gguf", tmp_path)[0] == f"{tmp_path}/a$$b.gguf"


class TestCustomScripts:
    def test_a_program_that_is_there_stays(self, tmp_path: Path) -> None:
        (tmp_path / "check.sh").touch()
        found = made({"model": MODEL, "healthcheck": {"type": "custom", "custom_script": "check.sh"}}, tmp_path)
        assert part(found, "healthcheck") == {"type": "custom", "custom_script": str(tmp_path / "check.sh")}

    def test_a_line_for_a_shell_is_named_and_http_asks_instead(self) -> None:
        found = made({"model": MODEL, "healthcheck": {"type": "custom", "custom_script": "curl {host}:{port}"}})
        assert part(found, "healthcheck") == {"type": "http"}
        assert any("custom_script: left out" in words for words in found.remarks)


def test_a_registered_binary_that_is_there_becomes_the_program(tmp_path: Path) -> None:
    server = tmp_path / "bins" / "b1" / "llama-server"
    server.parent.mkdir(parents=True)
    server.touch()
    (tmp_path / "bins" / "registry.json").write_text(json.dumps({"binaries": [{"id": "u1", "path": "b1"}]}))
    found = made({"model": MODEL, "binary": {"binary_id": "u1", "version": "b9"}}, tmp_path)
    assert found.table["binary"] == str(server)
    assert "binary" not in made({"model": MODEL, "binary": {"binary_id": "u2"}}, tmp_path).table


class TestChecking:
    around = Surroundings(Path("/home"), ENVIRON)

    def test_a_value_that_our_rules_refuse_is_left_out_and_named(self) -> None:
        raw = {"model": MODEL, "server": {"port": 99999}, "healthcheck": {"retries": 0}, "env": {"A": 3}}
        checked = check_table("qwen", made(raw).table, {}, self.around)
        assert checked.refusal == ""
        assert "port" not in checked.table
        assert "healthcheck" not in checked.table
        for key in ("port", "healthcheck.retries", "env.A"):
            assert any(words.startswith(f"left out: {key}:") for words in checked.remarks), key

    def test_without_a_model_there_is_no_instance(self) -> None:
        assert "says not what to run" in check_table("qwen", made({}).table, {}, self.around).refusal

    def test_what_is_the_default_anyway_is_not_written_unless_the_file_has_another(self) -> None:
        raw: dict[str, object] = {"model": MODEL, "healthcheck": {"interval": 10, "timeout": 5}}
        assert "healthcheck" not in check_table("qwen", made(raw).table, {}, self.around).table
        defaults = {"healthcheck": {"interval": 99}}
        assert check_table("qwen", made(raw).table, defaults, self.around).table["healthcheck"] == {"interval": 10}
