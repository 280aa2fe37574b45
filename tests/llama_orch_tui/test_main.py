"""The entry point: what is answered without a command line parser is answered as with it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from llama_orch_tui import __main__, cli, showing
from tests.fakes.homes import ThrowAwayHome, portless_table, throw_away_home

IMPORTED_BY = """
import sys
from llama_orch_tui.__main__ import main
sys.argv = ["llama-orch-tui", "ps"]
try:
    main()
finally:
    print(*(one for one in ("typer", "psutil", "filelock", "httpx", "tomlkit") if one in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", __main__.PARSED_ALREADY, ids=" ".join)
def test_ps_says_the_same_without_the_parser(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with throw_away_home() as home:
        home.write_config(portless_table("qwen") + "nonsense = 1\n" + portless_table("embed"))
        monkeypatch.setenv("LLAMA_ORCH_HOME", str(home.home.state_dir))
        with pytest.raises(SystemExit) as parsed:
            cli.run(list(arguments))
        with_parser = capsys.readouterr()

        monkeypatch.setattr(sys, "argv", ["llama-orch-tui", *arguments])
        monkeypatch.setattr(cli, "run", lambda *_: pytest.fail("the parser was asked"))
        with pytest.raises(SystemExit) as unparsed:
            __main__.main()

        assert capsys.readouterr() == with_parser
        assert "qwen" in with_parser.out
        assert "nonsense" in with_parser.err, "what is wrong is said beside JSON, too"
        assert unparsed.value.code == parsed.value.code == 0


def test_ps_without_a_leader_waits_for_nothing_that_it_does_not_need() -> None:
    """Twenty running models: half of the time would be libraries that only acting needs."""
    with throw_away_home() as home:
        home.write_config(portless_table("qwen"))
        assert home.run_cli("start", "qwen").returncode == 0
        done = _run_python(home, IMPORTED_BY)

    assert "qwen" in done.stdout
    assert done.stderr == "\n"


def test_an_interrupted_ps_ends_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(**_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(showing, "show_ps", interrupt)
    monkeypatch.setattr(sys, "argv", ["llama-orch-tui", "ps"])
    with pytest.raises(SystemExit) as end:
        __main__.main()

    assert end.value.code == __main__.INTERRUPTED


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's redirections")
@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_a_closed_output_is_no_error(closed: str) -> None:
    with throw_away_home() as home:
        home.write_config(portless_table("qwen"))
        line = f'exec "$0" -m llama_orch_tui ps {closed}'
        done = subprocess.run(
            ["/bin/sh", "-c", line, sys.executable],
            env=home.environment(),
            capture_output=True,
            timeout=30,
            check=False,
        )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def _run_python(home: ThrowAwayHome, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], env=home.environment(), capture_output=True, text=True, timeout=30, check=False
    )
