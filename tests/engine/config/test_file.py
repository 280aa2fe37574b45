"""Real files in, configurations and problems out."""

import os
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from engine.config.file import LoadedConfig, Problem, load_config, raise_for_problems
from engine.config.schema import Config
from engine.errors import ConfigError

ENVIRON = {"HOME": "/home/op", "USERPROFILE": "/home/op", "MODELS": "/srv/models"}


def load(tmp_path: Path, text: str) -> LoadedConfig:
    path = tmp_path / "config.toml"
    path.write_text(dedent(text), encoding="utf-8", newline="")
    return load_config(path, ENVIRON)


def told(loaded: LoadedConfig) -> list[str]:
    return [str(problem).removeprefix(str(loaded.path)) for problem in loaded.problems]


class TestFilesThatGiveNothing:
    def test_a_missing_file_is_an_empty_configuration_and_no_problem(self, tmp_path: Path) -> None:
        loaded = load_config(tmp_path / "none" / "config.toml", ENVIRON)
        assert loaded == LoadedConfig(loaded.path, exists=False, readable=True)
        assert loaded.config == Config()

    @pytest.mark.parametrize(
        ("text", "line", "word"),
        [
            ("a = 1\nb = ", 2, "not valid TOML"),
            ("[server]\n[server]\n", 2, "[server] is there twice"),
            ("a = 1\na = 2\n", 2, "this key is there twice"),
            ("\n\nx = 'open\n", 3, "not valid TOML"),
            ("a = " + "9" * 5000, None, "digits"),
            ("a = " + "[" * 50_000, None, "nested too deeply"),
        ],
        ids=["value", "table", "key", "string", "digits", "nesting"],
    )
    def test_a_syntax_error_is_one_problem_with_its_line(
        self, tmp_path: Path, text: str, line: int | None, word: str
    ) -> None:
        loaded = load(tmp_path, text)
        assert (loaded.exists, loaded.readable, loaded.config) == (True, False, Config())
        assert [problem.line for problem in loaded.problems] == [line]
        assert word in loaded.problems[0].message

    def test_bytes_that_are_not_utf8_are_a_problem_with_their_line(self, tmp_path: Path) -> None:
        path = tmp_path / "config.toml"
        path.write_bytes(b"# a\n# caf\xe9\n")
        (problem,) = load_config(path, ENVIRON).problems
        assert (problem.line, problem.message) == (2, "byte 0xe9 is not UTF-8")

    def test_a_byte_order_mark_is_ignored(self, tmp_path: Path) -> None:
        path = tmp_path / "config.toml"
        path.write_bytes(b"\xef\xbb\xbf[instances.a]\nmodel = 'x'\n")
        assert list(load_config(path, ENVIRON).config.instances) == ["a"]

    def test_a_folder_in_its_place_is_a_problem(self, tmp_path: Path) -> None:
        loaded = load_config(tmp_path, ENVIRON)
        assert (loaded.exists, loaded.readable) == (True, False)
        assert told(loaded) == [": is not a file; move it away, and write the configuration there"]

    @pytest.mark.skipif(sys.platform == "win32", reason="no FIFO on Windows")
    def test_a_fifo_in_its_place_is_a_problem_and_does_not_block(self, tmp_path: Path) -> None:
        if sys.platform != "win32":
            os.mkfifo(tmp_path / "fifo")
        assert not load_config(tmp_path / "fifo", ENVIRON).readable

    def test_a_dangling_link_is_a_problem_and_not_a_first_run(self, tmp_path: Path) -> None:
        link = tmp_path / "config.toml"
        link.symlink_to(tmp_path / "gone.toml")
        loaded = load_config(link, ENVIRON)
        assert loaded.exists
        assert "gone.toml, which is not there" in told(loaded)[0]

    def test_a_file_below_a_file_is_a_problem(self, tmp_path: Path) -> None:
        (tmp_path / "f").touch()
        assert "cannot be read" in told(load_config(tmp_path / "f" / "config.toml", ENVIRON))[0]

    @pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
    def test_a_file_that_may_not_be_read_is_a_problem(self, tmp_path: Path) -> None:
        path = tmp_path / "config.toml"
        path.touch(0o000)
        assert "permission denied" in told(load_config(path, ENVIRON))[0]


class TestMessages:
    def test_a_problem_reads_file_line_key_message_and_fix(self) -> None:
        problem = Problem("config.toml", 12, "[instances.qwen] ctx_sise", "unknown key", "did you mean ctx_size?")
        assert str(problem) == "config.toml:12: [instances.qwen] ctx_sise: unknown key; did you mean ctx_size?"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[instances.q]\nmodel='m'\nctx_sise=4", ":3: [instances.q] ctx_sise: unknown key; did you mean ctx_size?"),
            ("[instances.q]\nmodel='m'\nPort=4", ":3: [instances.q] Port: unknown key; did you mean port?"),
            (
                "[instances.q]\nmodel='m'\ninterval=4",
                ":3: [instances.q] interval: unknown key; it belongs in [instances.q.healthcheck]",
            ),
            ("[instance.q]\nmodel='m'", ":1: [instance]: unknown table; did you mean instances?"),
            (
                "[instances.q]\nmodel='m'\nport='80a'",
                (
                    ':3: [instances.q] port: must be a whole number from 1 to 65535, or "auto"; it is "80a"; '
                    "for example port = 8081"
                ),
            ),
            (
                "[instances.q]\nmodel='m'\nautostart='yes'",
                (
                    ':3: [instances.q] autostart: must be true or false, without quotes; it is "yes"; '
                    "for example autostart = true"
                ),
            ),
            (
                "[instances.q]\nmodel='m'\nhealthcheck.type='https'",
                (
                    ':3: [instances.q.healthcheck] type: must be "http", "tcp", "custom" or "none"; it is "https"; '
                    'for example type = "http"'
                ),
            ),
            (
                "[instances.q]\nmodel='m'\nargs=['-t',\n 3]",
                ":3: [instances.q] args: item 2 must be text in quotes; it is a whole number; put it in quotes",
            ),
            (
                "[instances.q]\nmodel='m'\nenv={A=1}",
                ":3: [instances.q.env] A: must be text in quotes; it is 1; put it in quotes",
            ),
            (
                "[instances.q]\nmodel='m'\nlogs=3",
                ":3: [instances.q.logs]: must be a table; it is 3; write [instances.q.logs] on a line of its own",
            ),
            ("instances.q=1", ":1: [instances.q]: must be a table; it is 1; write [instances.q] on a line of its own"),
            (
                "instances=1",
                ":1: [instances.NAME]: must be a table; it is 1; write [instances.NAME] on a line of its own",
            ),
            (
                "[defaults]\nmodel='m'",
                ":2: [defaults] model: cannot be inherited; set it in each [instances.NAME] that needs it",
            ),
            (
                "[instances.q]\nmodel='m'\nhf='a/b'",
                (
                    ":3: [instances.q] hf: cannot stand beside model: an instance runs exactly one of model, hf "
                    "and command; keep one of model and hf"
                ),
            ),
            (
                "[instances.q]\nport=1",
                ':1: [instances.q]: says not what to run; set one of model, hf and command, as in model = "~/x.gguf"',
            ),
            (
                "[instances.q]\nmodel='m'\nargs=['--port=9']",
                ":3: [instances.q] args: may not hold --port; use the key port instead",
            ),
            (
                "[instances.q]\nmodel='m'\nargs=['--hf-token', 'hunter2']",
                (
                    ":3: [instances.q] args: may not hold --hf-token; others would see it in the list of processes; "
                    'use env = { HF_TOKEN = "…" } instead'
                ),
            ),
            (
                "[instances.q]\nmodel='$NOPE/m'",
                ":2: [instances.q] model: the environment variable NOPE is not set; set it, or write the path in full",
            ),
            (
                "[instances.q]\nmodel='m'\ndepends_on=['Q2']\n[instances.q2]\nmodel='m'",
                ":3: [instances.q] depends_on: no instance is named Q2; did you mean q2?",
            ),
            (
                "[profiles.p]\ninstances=['zz']",
                ":2: [profiles.p] instances: no instance is named zz; remove it from the list",
            ),
            (
                "[metrics]\nlisten='here:0'",
                (
                    ':2: [metrics] listen: must be "HOST:PORT", or "" for no exporter; it is "here:0"; '
                    'for example listen = "127.0.0.1:9797"'
                ),
            ),
        ],
    )
    def test_a_mistake_is_told_with_its_line_its_key_and_the_fix(self, tmp_path: Path, text: str, message: str) -> None:
        assert told(load(tmp_path, text)) == [message]

    def test_all_problems_are_told_at_once_in_the_order_of_the_lines(self, tmp_path: Path) -> None:
        loaded = load(
            tmp_path,
            """\
            [dashboard]
            on_exit = "go"
            [instances.b]
            model = "m"
            port = 0
            [instances.a]
            hf = "nonsense"
            prot = 1
            [instances.a.logs]
            backups = -1
            [server]
            binary = 3
            """,
        )
        assert [problem.line for problem in loaded.problems] == [2, 5, 7, 8, 10, 12]
        with pytest.raises(ConfigError) as caught:
            raise_for_problems(loaded)
        assert str(caught.value).splitlines() == [str(problem) for problem in loaded.problems]

    def test_a_right_file_raises_nothing(self, tmp_path: Path) -> None:
        raise_for_problems(load(tmp_path, "[instances.a]\nmodel = 'm'"))

    def test_a_secret_of_a_wrong_type_is_not_told(self, tmp_path: Path) -> None:
        loaded = load(
            tmp_path, "[instances.q]\nmodel='m'\napi_key=778899\nenv={HF_TOKEN=778899}\nargs=['--a-key', 778899]"
        )
        assert len(loaded.problems) == 3
        assert "778899" not in "\n".join((*told(loaded), *loaded.frozen.values()))
