"""What the commands print: anybody's words, and nothing in them that a terminal would obey."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from rich.cells import set_cell_size

from engine.snapshots import Event, EventType, Level
from llama_orch_tui import cli, output
from tests.fakes.homes import portless_table, throw_away_home
from tests.fakes.scenes import NOW, TRIO, snapshot

HOSTILE = "[red]x[/] \x1b[31mRED\x1b[0m \x1b]0;TITLE\x07 \x1b]52;c;aGVsbG8=\x07 \u202eRTL\u202c 中文🙂 \x9b31m \x7f"
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
EVENT = Event(NOW, "chat", Level.ERROR, EventType.FAILED, f"{HOSTILE}\nforged", (("hint", HOSTILE),), 1)
ROWS = (replace(TRIO[0], model=HOSTILE, why=HOSTILE), *TRIO[1:])


def test_lines_are_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    output.say(HOSTILE)
    output.say_error(HOSTILE)

    for written in capsys.readouterr():
        assert not OBEYED.search(written)
        assert "[red]x[/] ␛[31mRED␛[0m ␛]0;TITLE␇" in written
        assert "<U+202E>RTL<U+202C> 中文🙂 <9B>31m ␡" in written


def test_lines_and_tabs_stay(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("one\n\ttwo\r")
    assert capsys.readouterr().out == "one\n\ttwo␍\n"


def test_only_our_own_colours_reach_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    output.say(output.format_event(EVENT))
    assert capsys.readouterr().out.count("\x1b") == 2
    monkeypatch.setenv("NO_COLOR", "1")
    output.say(output.format_event(EVENT))
    assert not OBEYED.search(capsys.readouterr().out)


def test_titles_are_bold_and_remarks_faint_on_a_terminal_that_is_not_dumb(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    output.say(output.paint("Command line", "1") + output.paint("# built-in", "2"))
    assert capsys.readouterr().out == "\x1b[1mCommand line\x1b[0m\x1b[2m# built-in\x1b[0m\n"
    monkeypatch.setenv("TERM", "dumb")
    output.say(output.paint("Command line", "1"))
    assert capsys.readouterr().out == "Command line\n"


def test_an_event_is_one_line_and_columns_stand_below_each_other() -> None:
    assert "\n" not in output.format_event(EVENT)
    head, first, *_ = output.format_ps(snapshot(ROWS))
    assert first[head.index("MODEL") :].startswith("[red]x[/] ␛[31m")


def test_columns_stand_below_each_other_under_wide_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    rows = (replace(TRIO[0], model="模型-七.gguf", why="中文"), replace(TRIO[1], model="qwen.gguf", why="here"))
    head, *lines = output.format_ps(snapshot(rows))
    at = head.index("WHY")
    assert [set_cell_size(line, at) + why for line, why in zip(lines, ("中文", "here"), strict=True)] == lines

    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(at + 3))
    head, first, _ = output.format_ps(snapshot(rows))
    assert head.endswith("WHY")
    assert first.endswith("中…")


def test_json_says_the_same_words_and_obeys_none(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"ps": output.ps_to_json(snapshot(ROWS)), "event": output.event_to_json(EVENT), "name": "\udcff"}
    output.say_json(value)
    written = capsys.readouterr().out
    assert not OBEYED.search(written)
    assert "中文🙂" in written
    assert json.loads(written) == json.loads(json.dumps(value))


@pytest.mark.parametrize("command", ["ps", "describe a", "health a", "events", "config show", "doctor"])
def test_no_command_shows_the_code_of_a_colour(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with throw_away_home() as home:
        home.write_config(portless_table("a"))
        assert home.run_cli("start", "a").returncode == 0
        monkeypatch.setenv("LLAMA_ORCH_HOME", str(home.home.state_dir))
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        with pytest.raises(SystemExit):
            cli.run(command.split())

    shown = capsys.readouterr().out
    assert shown
    assert "␛" not in shown
