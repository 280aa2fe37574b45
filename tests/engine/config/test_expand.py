"""Paths of the file made whole."""

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from engine.config.file import LoadedConfig, load_config

ENVIRON = {"HOME": "/home/op", "USERPROFILE": "/home/op", "MODELS": "/srv/models"}


def load(tmp_path: Path, text: str) -> LoadedConfig:
    path = tmp_path / "config.toml"
    path.write_text(dedent(text), encoding="utf-8", newline="")
    return load_config(path, ENVIRON)


def told(loaded: LoadedConfig) -> list[str]:
    return [str(problem).removeprefix(str(loaded.path)) for problem in loaded.problems]


@pytest.mark.skipif(sys.platform == "win32", reason="paths are written the POSIX way here")
class TestPaths:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("~/m.gguf", "/home/op/m.gguf"),
            ("$MODELS/m.gguf", "/srv/models/m.gguf"),
            ("${MODELS}x/m.gguf", "/srv/modelsx/m.gguf"),
            ("/a/$$b.gguf", "/a/$b.gguf"),
            ("/a/b", "/a/b"),
            ("m.gguf", "HERE/m.gguf"),
            ("../m.gguf", "HERE/../m.gguf"),
        ],
    )
    def test_a_model_path_is_made_whole(self, tmp_path: Path, written: str, meant: str) -> None:
        one = load(tmp_path, f"[instances.a]\nmodel='{written}'").config.instances["a"]
        assert one.model == meant.replace("HERE", str(tmp_path))

    def test_every_key_that_holds_a_path_is_made_whole_inherited_ones_too(self, tmp_path: Path) -> None:
        loaded = load(
            tmp_path,
            """\
            [server]
            binary = "bin/llama-server"
            [defaults]
            cwd = "~"
            api_key_file = "keys/all"
            binary = "$MODELS/x"
            [instances.a]
            command = ["./serve", "~", "$MODELS"]
            healthcheck = { type = "custom", custom_script = "check.sh" }
            """,
        )
        one = loaded.config.instances["a"]
        assert loaded.config.server.binary == f"{tmp_path}/bin/llama-server"
        assert (one.cwd, one.api_key_file, one.binary) == ("/home/op", f"{tmp_path}/keys/all", "/srv/models/x")
        assert one.command == (f"{tmp_path}/serve", "~", "$MODELS")
        assert one.healthcheck.custom_script == f"{tmp_path}/check.sh"

    @pytest.mark.parametrize("binary", ["auto", "embedded", "llama-server"])
    def test_a_bare_word_for_a_program_stays_as_it_is(self, tmp_path: Path, binary: str) -> None:
        loaded = load(tmp_path, f"[server]\nbinary='{binary}'\n[instances.a]\ncommand=['{binary}']")
        assert (loaded.config.server.binary, loaded.config.instances["a"].command) == (binary, (binary,))

    def test_an_instance_without_cwd_runs_in_the_folder_of_the_file(self, tmp_path: Path) -> None:
        assert load(tmp_path, "[instances.a]\nmodel='m'").config.instances["a"].cwd == str(tmp_path)

    def test_a_home_of_nobody_is_a_problem(self, tmp_path: Path) -> None:
        loaded = load(tmp_path, "[instances.a]\nmodel='~no-such-user/m'")
        assert "there is no home folder for ~no-such-user" in told(loaded)[0]
