"""`add` and `remove` as the engine does them: refused before anything is written, or done whole."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from engine.config.changes import add_instance, check_removal, remove_instance
from engine.errors import (
    AlreadyRunningError,
    ConfigError,
    InstanceExistsError,
    LeaderTimeoutError,
    NoSuchInstanceError,
    UsageError,
)
from engine.locking import config_lock, instance_lock
from engine.paths import HOME_VARIABLE, Home, find_home

FILE = '# mine\n[instances.qwen]\nmodel = "/m.gguf" # good\nport = 8081\n'
MODEL: dict[str, object] = {"model": "/m.gguf"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = find_home({HOME_VARIABLE: str(tmp_path)})
    made.config_file.write_text(FILE)
    made.config_file.chmod(0o600)
    return made


def instances(home: Home) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = tomllib.loads(home.config_file.read_text())["instances"]
    return found


def test_an_instance_gets_a_free_port_that_no_other_has(home: Home) -> None:
    added = add_instance(home, "bge", MODEL, {})
    assert home.config_file.read_text().startswith(FILE)
    assert instances(home)["bge"] == {"model": "/m.gguf", "port": added.port}
    assert isinstance(added.port, int)
    assert added.port != 8081
    assert stat.S_IMODE(home.config_file.stat().st_mode) == 0o600


def test_a_port_that_is_named_stays_and_one_that_another_has_is_warned_of(home: Home) -> None:
    assert add_instance(home, "auto", {**MODEL, "port": "auto"}, {}).port == "auto"
    added = add_instance(home, "bge", {**MODEL, "port": 8081}, {})
    assert "port 8081 is also that of qwen: the two cannot run at the same time" in added.warnings


def test_a_program_that_nobody_asks_gets_no_port(home: Home) -> None:
    add_instance(home, "job", {"command": ["sleep", "9"], "healthcheck": {"type": "none"}}, {})
    assert "port" not in instances(home)["job"]


@pytest.mark.parametrize(
    ("name", "table", "words"),
    [
        ("a/b", MODEL, "a/b: this name cannot be used"),
        ("x", {}, "x: says not what to run; set one of model, hf and command"),
        ("x", {**MODEL, "hf": "a/b"}, "x: hf cannot stand beside model"),
        ("x", {**MODEL, "port": 70000}, "x: port must be a whole number from 1 to 65535"),
        ("x", {**MODEL, "depends_on": ["quen"]}, "x: depends_on no instance is named quen; did you mean qwen"),
        ("x", {"model": "$NOWHERE/m.gguf"}, "x: model the environment variable NOWHERE is not set"),
        ("x", {**MODEL, "args": ["--api-key=s3cret"]}, "x: args may not hold --api-key; use the key api_key"),
    ],
    ids=["name", "nothing", "two", "port", "depends", "variable", "secret"],
)
def test_a_wrong_value_is_wrong_usage_and_writes_nothing(
    home: Home, name: str, table: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        add_instance(home, name, table, {})
    assert words in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert home.config_file.read_text() == FILE


def test_a_name_is_taken_without_regard_to_case(home: Home) -> None:
    with pytest.raises(InstanceExistsError, match="there is qwen in"):
        add_instance(home, "QWEN", MODEL, {})
    assert home.config_file.read_text() == FILE


def test_a_file_that_cannot_be_read_is_not_added_to(home: Home) -> None:
    home.config_file.write_text("[[[")
    with pytest.raises(ConfigError, match="not valid TOML"):
        add_instance(home, "bge", MODEL, {})


def test_a_fault_in_another_table_is_no_reason_to_refuse(home: Home) -> None:
    home.config_file.write_text(FILE + "ctx_sise = 1\n")
    add_instance(home, "bge", MODEL, {})
    assert "bge" in instances(home)


def test_the_first_instance_makes_the_file(tmp_path: Path) -> None:
    home = find_home({HOME_VARIABLE: str(tmp_path / "new")})
    add_instance(home, "bge", MODEL, {})
    assert stat.S_IMODE(home.config_file.stat().st_mode) == 0o600
    assert list(instances(home)) == ["bge"]


def test_while_somebody_else_edits_nothing_is_written(home: Home) -> None:
    with config_lock(home, "editor").holding(1.0), pytest.raises(LeaderTimeoutError, match=r"config\.lock"):
        add_instance(home, "bge", MODEL, {})
    assert home.config_file.read_text() == FILE


def test_an_instance_is_removed_with_its_comment(home: Home) -> None:
    add_instance(home, "bge", MODEL, {})
    remove_instance(home, "bge", {})
    assert home.config_file.read_text() == FILE


def test_an_unknown_name_is_told_with_a_close_one(home: Home) -> None:
    with pytest.raises(NoSuchInstanceError, match="did you mean qwen"):
        remove_instance(home, "qwem", {})


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('[instances.rag]\nmodel = "/r"\ndepends_on = ["qwen"]\n', "depends_on of rag would miss it"),
        ('[profiles.evening]\ninstances = ["qwen"]\n', "profile evening would miss it"),
    ],
    ids=["dependent", "profile"],
)
def test_what_others_name_is_not_removed(home: Home, more: str, words: str) -> None:
    home.config_file.write_text(FILE + more)
    for refuse in (check_removal, remove_instance):
        with pytest.raises(ConfigError, match=words):
            refuse(home, "qwen", {})
    assert home.config_file.read_text() == FILE + more


def test_a_running_one_is_not_removed(home: Home) -> None:
    home.run_dir.mkdir()
    lock = instance_lock(home, "qwen", "test")
    with lock.holding(1.0), pytest.raises(AlreadyRunningError, match="remove qwen --stop"):
        remove_instance(home, "qwen", {})
    assert home.config_file.read_text() == FILE


def test_a_frozen_instance_can_be_removed(home: Home) -> None:
    home.config_file.write_text(FILE + "\n[instances.bad]\nmodel = 3\n")
    remove_instance(home, "bad", {})
    assert home.config_file.read_text() == FILE


def test_a_model_that_is_missing_or_a_folder_is_warned_of(home: Home) -> None:
    assert add_instance(home, "lost", {"model": "/no/such.gguf"}, {}).warnings == (
        "model /no/such.gguf: no such file yet",
    )
    folder = str(home.state_dir)
    assert add_instance(home, "folder", {"model": folder}, {}).warnings == (
        f"model {folder}: is a folder, not a GGUF file",
    )
