"""Where each value comes from, and that no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.file import load_config
from engine.config.origins import Origin, Setting, trace_instance, trace_tables

FILE = """\
[server]
binary = "embedded"
[defaults]
ctx_size = 4096
api_key = "inherited-s3cret"
[defaults.healthcheck]
interval = 3.0
[instances.qwen]
model = "/m.gguf"
env = { HF_TOKEN = "env-s3cret", PLAIN = "shown" }
healthcheck.retries = 9
args = ["--some-token", "arg-s3cret", "--flash-attn", "on"]
[instances.own]
model = "/m.gguf"
api_key_file = "/keys/own"
[profiles.evening]
instances = ["qwen"]
"""


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, dict[str, Setting]]:
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    loaded = load_config(path, {})
    assert not loaded.problems
    traced = {name: trace_instance(loaded, name) for name in ("qwen", "own")} | trace_tables(loaded)
    return {name: {".".join(one.key): one for one in found} for name, found in traced.items()}


@pytest.mark.parametrize(
    ("table", "key", "value", "origin", "line"),
    [
        ("qwen", "model", "/m.gguf", Origin.FILE, 9),
        ("qwen", "ctx_size", 4096, Origin.DEFAULTS, 4),
        ("qwen", "healthcheck.interval", 3.0, Origin.DEFAULTS, 7),
        ("qwen", "healthcheck.retries", 9, Origin.FILE, 11),
        ("qwen", "healthcheck.timeout", 5.0, Origin.DEFAULT, None),
        ("qwen", "port", "auto", Origin.DEFAULT, None),
        ("qwen", "env.PLAIN", "shown", Origin.FILE, 10),
        ("qwen", "env.HF_TOKEN", "***", Origin.FILE, 10),
        ("qwen", "api_key", "***", Origin.DEFAULTS, 5),
        ("qwen", "threads", None, Origin.DEFAULT, None),
        ("own", "api_key", "", Origin.DEFAULT, None),
        ("own", "api_key_file", "/keys/own", Origin.FILE, 15),
        ("server", "binary", "embedded", Origin.FILE, 2),
        ("dashboard", "on_exit", "daemon", Origin.DEFAULT, None),
        ("daemon", "shutdown_timeout", 10.0, Origin.DEFAULT, None),
        ("events", "max_rows", 1_000_000, Origin.DEFAULT, None),
        ("profiles.evening", "instances", ["qwen"], Origin.FILE, 17),
    ],
)
def test_each_value_names_its_source(
    settings: dict[str, dict[str, Setting]], table: str, key: str, value: object, origin: Origin, line: int | None
) -> None:
    found = settings[table][key]
    assert (found.value, found.origin, found.line) == (value, origin, line)


def test_no_secret_is_among_the_values(settings: dict[str, dict[str, Setting]]) -> None:
    assert "s3cret" not in repr(settings)


def test_a_faulty_default_is_not_called_the_source(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[defaults]\nstop_grace = "soon"\n[instances.qwen]\nmodel = "/m"\n')
    found = {one.key: one for one in trace_instance(load_config(path, {}), "qwen")}
    assert found[("stop_grace",)].origin is Origin.DEFAULT


def test_a_frozen_instance_has_no_settings(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[instances.qwen]\n")
    assert trace_instance(load_config(path, {}), "qwen") == ()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (Setting(("a",), 1, Origin.DEFAULT, None), "built-in"),
        (Setting(("a",), 1, Origin.DEFAULTS, 4), "[defaults], line 4"),
        (Setting(("a",), 1, Origin.DEFAULTS, None), "[defaults]"),
        (Setting(("a",), 1, Origin.FILE, 4), "line 4"),
        (Setting(("a",), 1, Origin.FILE, None), "the file"),
    ],
)
def test_a_source_is_said_in_words(setting: Setting, words: str) -> None:
    assert setting.describe_origin() == words
