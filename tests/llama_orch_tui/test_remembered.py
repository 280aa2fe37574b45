"""The file of remembered choices."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from llama_orch_tui.remembered import SIZE_LIMIT, Choice, Remembered
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import TRIO, engine_of, snapshot
from themes import DEFAULT_THEME, LIGHT


def test_a_choice_is_there_again_in_the_next_run(tmp_path: Path) -> None:
    first = Remembered(tmp_path / "ui.json")
    choices: dict[str, Choice] = {"theme": "lorch-light", "columns": ["name", "state"], "sizes": {"log": 3}}
    for name, choice in choices.items():
        first.put(name, choice)
    first.close()

    second = Remembered(tmp_path / "ui.json")

    assert {name: second.get(name) for name in choices} == choices
    assert second.note == ""


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    remembered = Remembered(tmp_path / "ui.json")
    remembered.put("theme", "lorch-dark")
    remembered.close()

    assert stat.S_IMODE((tmp_path / "ui.json").stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["ui.json"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"{", "is no JSON", id="cut off"),
        pytest.param(b"\xff\xfe\x00", "is no JSON", id="bytes"),
        pytest.param(b"[1]", "holds no JSON object", id="a list"),
        pytest.param(b" " * (SIZE_LIMIT + 1), "is too large", id="large"),
    ],
)
def test_an_unreadable_file_means_the_defaults_a_note_and_a_fresh_file(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "ui.json"
    path.write_bytes(content)

    remembered = Remembered(path)

    assert remembered.get("theme") is None
    assert str(path) in remembered.note
    assert reason in remembered.note
    remembered.put("theme", "lorch-light")
    remembered.close()
    assert Remembered(path).get("theme") == "lorch-light"


def test_two_consoles_do_not_undo_each_others_choices(tmp_path: Path) -> None:
    one, other = Remembered(tmp_path / "ui.json"), Remembered(tmp_path / "ui.json")
    one.put("theme", "lorch-light")
    one.close()
    other.put("order", "cpu")
    other.close()

    third = Remembered(tmp_path / "ui.json")

    assert (third.get("theme"), third.get("order")) == ("lorch-light", "cpu")


def test_a_folder_that_is_gone_is_told_and_harms_nobody(tmp_path: Path) -> None:
    remembered = Remembered(tmp_path / "nowhere" / "ui.json")
    remembered.put("theme", "lorch-light")
    remembered.close()

    assert "are not remembered" in remembered.note
    assert remembered.get("theme") == "lorch-light"


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    remembered = Remembered()
    remembered.put("theme", "lorch-light")
    remembered.close()

    assert remembered.get("theme") == "lorch-light"
    assert list(tmp_path.iterdir()) == []


def test_the_theme_is_remembered_and_used_again(tmp_path: Path) -> None:
    remembered = Remembered(tmp_path / "ui.json")

    async def choose(operator: Operator) -> None:
        await operator.press("t", "down", "enter")
        await operator.until(lambda: remembered.get("theme") == LIGHT.name)

    drive(engine_of(snapshot(TRIO)), choose, remembered=remembered)
    remembered.close()

    async def look(operator: Operator) -> None:
        assert operator.app.theme == LIGHT.name

    drive(engine_of(snapshot(TRIO)), look, remembered=Remembered(tmp_path / "ui.json"))


@pytest.mark.parametrize("theme", ["no-such-theme", 7])
def test_a_remembered_theme_that_does_not_exist_means_the_default(tmp_path: Path, theme: Choice) -> None:
    remembered = Remembered(tmp_path / "ui.json")
    remembered.put("theme", theme)

    async def look(operator: Operator) -> None:
        assert operator.app.theme == DEFAULT_THEME

    drive(engine_of(snapshot(TRIO)), look, remembered=remembered)
    remembered.close()


def test_the_console_says_why_its_choices_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / "ui.json").write_text("{")

    async def look(operator: Operator) -> None:
        await operator.until(lambda: any("starts with its defaults" in words for _severity, words in operator.told()))

    drive(engine_of(snapshot(TRIO)), look, remembered=Remembered(tmp_path / "ui.json"))
