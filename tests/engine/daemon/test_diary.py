"""The daemon's own log."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.clock import Clock
from engine.daemon.diary import Diary
from engine.daemon.identity import log_path
from engine.paths import HOME_VARIABLE, find_home
from engine.snapshots import Event, EventType, Level


def test_every_line_says_when_how_loud_and_what(tmp_path: Path) -> None:
    home = find_home({HOME_VARIABLE: str(tmp_path)})
    diary = Diary(home, Clock(wall=lambda: 0.0))
    diary.note("leads")
    diary.note_event(Event(1.0, "qwen", Level.ERROR, EventType.EXITED, "ended: exit code 1"))
    diary.close()
    first, second = log_path(home).read_text().splitlines()
    assert first.split() == ["1970-01-01T00:00:00.000Z", "info", "-", "daemon", "leads"]
    assert second.split(maxsplit=4)[1:] == ["error", "qwen", "exited", "ended: exit code 1"]


def test_a_message_cannot_forge_a_line_or_steer_a_terminal(tmp_path: Path) -> None:
    home = find_home({HOME_VARIABLE: str(tmp_path)})
    diary = Diary(home)
    diary.note("bad\n2026 info forged\x1b[31m \ud800")
    diary.close()
    text = log_path(home).read_text()
    assert text.count("\n") == 1
    assert "\x1b" not in text


def test_of_a_crash_the_place_is_written_and_not_its_words(tmp_path: Path) -> None:
    home = find_home({HOME_VARIABLE: str(tmp_path)})
    diary = Diary(home)
    try:
        int("sk-secret")
    except ValueError:
        kind, _, trace = sys.exc_info()
        assert kind is not None
        diary.note_crash("meter", kind, trace)
    diary.close()
    text = log_path(home).read_text()
    assert "ValueError in meter" in text
    assert "test_diary.py" in text
    assert "sk-secret" not in text
