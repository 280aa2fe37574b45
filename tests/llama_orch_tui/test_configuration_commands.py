"""`add`, `remove`, `config …` and `profile …` as a person types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import pytest

from tests.fakes.homes import ThrowAwayHome, free_port, throw_away_home


@pytest.fixture
def home() -> Iterator[ThrowAwayHome]:
    with throw_away_home() as made:
        yield made


def says(home: ThrowAwayHome, *arguments: str, code: int = 0) -> str:
    """What a command prints: stdout when it goes well, stderr when it is refused."""
    done = home.run_cli(*arguments)
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


def test_an_instance_is_added_with_everything_that_was_said(home: ThrowAwayHome) -> None:
    home.write_config("# mine\n")
    port = free_port()
    told = says(
        home, "add", "qwen", "--model", "qwen.gguf", "--port", str(port), "--ctx-size", "0", "--parallel", "2",
        "--gpu-layers", "auto", "--threads", "3", "--args", "--flash-attn 'on'", "--env", "A=b=c", "--tag", "chat",
        "--tag", "big", "--autostart", "--stop-grace", "0", "--api-key-file", "~/key", "--health", "tcp",
        "--restart", "never", "--host", "127.0.0.1",
    )  # fmt: skip
    text = home.home.config_file.read_text()
    assert text.startswith("# mine\n\n[instances.qwen]\n")
    assert tomllib.loads(text)["instances"]["qwen"] == {
        "model": os.path.abspath("qwen.gguf"),  # noqa: PTH100 - as a shell user means it
        "port": port,
        "host": "127.0.0.1",
        "ctx_size": 0,
        "parallel": 2,
        "gpu_layers": "auto",
        "threads": 3,
        "args": ["--flash-attn", "on"],
        "tags": ["chat", "big"],
        "autostart": True,
        "stop_grace": 0.0,
        "api_key_file": "~/key",
        "env": {"A": "b=c"},
        "healthcheck": {"type": "tcp"},
        "restart_policy": {"policy": "never"},
    }
    assert f"qwen: added to {home.home.config_file}, port {port}" in told
    assert says(home, "config", "validate").endswith(": 1 instance, no problems\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--model", "m", "--port", "x"], 2, "bge: port must be a whole number from 1 to 65535"),
        (["--model", "m", "--env", "novalue"], 2, "--env: give NAME=VALUE"),
        (["--command", "sleep 'x"], 2, "--command: "),
        ([], 2, "set one of model, hf and command"),
        (["--nonsense"], 2, "--nonsense"),
    ],
)
def test_wrong_words_write_nothing(home: ThrowAwayHome, arguments: list[str], code: int, words: str) -> None:
    home.write_config("# mine\n")
    assert words in says(home, "add", "bge", *arguments, code=code)
    assert home.home.config_file.read_text() == "# mine\n"


def test_a_taken_name_is_exit_14(home: ThrowAwayHome) -> None:
    home.write_fakes("qwen")
    assert "qwen: there is qwen in" in says(home, "add", "qwen", "--model", "m", code=14)


def test_a_running_instance_is_removed_only_with_stop(home: ThrowAwayHome) -> None:
    home.write_fakes("qwen", "bge")
    says(home, "start", "qwen")
    before = home.home.config_file.read_text()
    assert "`remove qwen --stop` stops it first" in says(home, "remove", "qwen", code=21)
    assert home.home.config_file.read_text() == before
    assert "qwen: removed from" in says(home, "remove", "qwen", "--stop")
    assert home.find_servers() == []
    assert list(home.ps()["instances"]) == ["bge"]
    assert "no such instance" in says(home, "remove", "qwen", code=13)


def test_an_instance_that_others_name_is_not_even_stopped(home: ThrowAwayHome) -> None:
    home.write_fakes("qwen")
    with home.home.config_file.open("a") as file:
        file.write('[profiles.evening]\ninstances = ["qwen"]\n')
    says(home, "start", "qwen")
    assert "profile evening would miss it" in says(home, "remove", "qwen", "--stop", code=11)
    assert len(home.find_servers()) == 1


def test_the_configuration_is_shown_with_its_sources_and_is_toml(home: ThrowAwayHome) -> None:
    home.write_config('[defaults]\nstop_grace = 3.0\n[instances.qwen]\nmodel = "/m"\nenv.HF_TOKEN = "s3cret"\n')
    told = says(home, "config", "show")
    assert "stop_grace = 3.0" in told
    assert "# [defaults], line 2" in told
    assert "s3cret" not in told
    assert tomllib.loads(told)["instances"]["qwen"]["healthcheck"]["retries"] == 3
    shown = json.loads(says(home, "config", "show", "--json"))
    assert shown["instances"]["qwen"]["model"] == {"value": "/m", "origin": "file", "line": 4}
    assert shown["instances"]["qwen"]["env.HF_TOKEN"]["value"] == "***"
    assert shown["problems"] == []


def test_a_frozen_instance_is_shown_as_not_in_force(home: ThrowAwayHome) -> None:
    home.write_config("[instances.qwen]\n")
    done = home.run_cli("config", "show")
    assert done.returncode == 0
    assert "[instances.qwen] is not in force" in done.stdout
    assert "says not what to run" in done.stderr


@pytest.mark.parametrize("command", ["validate", "show"])
def test_no_file_is_exit_10_and_no_toml_is_exit_11(home: ThrowAwayHome, command: str) -> None:
    assert "no such file" in says(home, "config", command, code=10)
    home.write_config("[[[")
    assert "config.toml:1: not valid TOML" in says(home, "config", command, code=11)


def test_validate_names_every_problem(home: ThrowAwayHome) -> None:
    home.write_config('[instances.a]\nmodel = 3\n[instances.b]\nmodel = "/m"\nport = 0\n')
    told = says(home, "config", "validate", code=11).splitlines()
    assert [line.split(": ")[1] for line in told] == ["[instances.a] model", "[instances.b] port"]


def test_validate_names_keys_that_the_console_cannot_have(home: ThrowAwayHome) -> None:
    home.write_config('[keys]\nhelp = "f1"\nstrat = "S"\n[server]\nbinary = 3\n')
    told = says(home, "config", "validate", code=11).splitlines()
    assert "config.toml:5: [server] binary" in told[0]
    assert told[1].endswith("config.toml:3: [keys] strat: no such action; did you mean start?")
    assert len(told) == 2


def test_the_schema_knows_the_actions(home: ThrowAwayHome) -> None:
    keys = json.loads(says(home, "config", "schema"))["properties"]["keys"]
    assert keys["properties"]["stop"]["description"] == "stop the chosen instances; by default x"
    assert keys["additionalProperties"] is False


def test_what_an_instance_runs_is_shown_first(home: ThrowAwayHome) -> None:
    home.write_config('[defaults]\nctx_size = 1\n[instances.qwen]\nmodel = "/m"\nport = 8081\n')
    shown = list(json.loads(says(home, "config", "show", "--json"))["instances"]["qwen"])
    assert shown.index("model") < shown.index("port") < shown.index("host") < shown.index("healthcheck.type")


def test_the_schema_is_json(home: ThrowAwayHome) -> None:
    assert json.loads(says(home, "config", "schema"))["title"] == "llama-orch-tui: config.toml"


def test_a_profile_is_used_without_a_leader_and_shown(home: ThrowAwayHome) -> None:
    home.write_fakes("a", "b")
    with home.home.config_file.open("a") as file:
        file.write('[profiles.one]\ninstances = ["a"]\n[profiles.two]\ninstances = ["b"]\n')
    says(home, "start", "a")
    assert says(home, "profile", "list").splitlines() == [
        "PROFILE  INSTANCES  USING IT",
        "one      a          changes nothing: in use",
        "two      b          starts b; stops a",
    ]
    assert says(home, "profile", "use", "two", "--wait").splitlines() == ["a: stopped", "b: started"]
    states = {name: one["state"] for name, one in home.ps()["instances"].items()}
    assert states == {"a": "stopped", "b": "ready"}
    assert json.loads(says(home, "profile", "list", "--json"))[1] == {
        "name": "two",
        "instances": ["b"],
        "starts": [],
        "stops": [],
        "in_use": True,
    }
    assert "no such profile" in says(home, "profile", "use", "three", code=13)


def test_without_profiles_the_fix_is_said(home: ThrowAwayHome) -> None:
    home.write_fakes("a")
    assert "[profiles.NAME]" in home.run_cli("profile", "list").stderr
    assert says(home, "profile", "list", "--json") == "[]\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("llama-orch-tui describe q", ["qwen"]),
        ("llama-orch-tui start qwen b", ["bge"]),
        ("llama-orch-tui start qwen ", ["bge"]),
        ("llama-orch-tui start --tag ", ["small", "chat"]),
        ("llama-orch-tui stop --tag c", ["chat"]),
        ("llama-orch-tui profile use ", ["evening"]),
    ],
)
def test_the_shell_completes_names_from_the_configuration(home: ThrowAwayHome, words: str, expected: list[str]) -> None:
    home.write_config(
        'defaults.tags = ["small"]\n[instances.qwen]\nmodel="/m"\ntags = ["chat"]\n[instances.bge]\nmodel="/m"\n'
        "[profiles.evening]\ninstances=[]\n"
    )
    asked = {"_LLAMA_ORCH_TUI_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    assert home.run_cli(environ=asked).stdout.split() == expected


def test_a_broken_file_completes_nothing_and_says_nothing(home: ThrowAwayHome) -> None:
    home.write_config("[[[")
    words = "llama-orch-tui describe q"
    asked = {"_LLAMA_ORCH_TUI_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "2"}
    done = home.run_cli(environ=asked)
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_the_alias_has_a_completion_of_its_own(home: ThrowAwayHome) -> None:
    home.write_config('[instances.qwen]\nmodel="/m"\n')
    called = "import sys; sys.argv[0] = '/usr/bin/lorch'; from llama_orch_tui.__main__ import main; main()"
    asked = {"_LORCH_COMPLETE": "complete_bash", "COMP_WORDS": "lorch describe q", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", called], env=home.environment() | asked, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["qwen"]
