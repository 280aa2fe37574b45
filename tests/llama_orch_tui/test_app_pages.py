"""The pages over the dashboard: describe, help, palette, themes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from textual.color import Color
from textual.theme import Theme
from textual.widgets import OptionList

from engine.description import DescribeSection, Description
from engine.snapshots import State
from llama_orch_tui.action_kinds import Group, Scope
from llama_orch_tui.actions import in_scopes
from llama_orch_tui.app import ConsoleApp
from llama_orch_tui.palette import ConsoleCommands, text_of
from llama_orch_tui.screens.help import LEGEND
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import DESCRIPTION, NOW, TRIO, engine_of, snapshot
from tests.fakes.still_engine import StillEngine
from themes import ANSI, CONTRAST, DARK, LIGHT, THEMES
from widgets.inked import Inked
from widgets.looks import INKS, state_look
from widgets.pane_prompt import PromptKind


def described_engine() -> StillEngine:
    engine = engine_of(snapshot(TRIO))
    engine.descriptions["chat"] = DESCRIPTION
    return engine


@pytest.mark.parametrize("key", ["enter", "d"])
def test_enter_and_d_describe_and_escape_comes_back(key: str) -> None:
    async def script(operator: Operator) -> None:
        await operator.press(key)
        await operator.until_shown("took 3 ms [200]")
        assert "keeper 5100" in operator.text()
        await operator.press("escape")
        await operator.until_shown("Instances")
        assert operator.dashboard.focused is operator.table

    drive(described_engine(), script)


def test_a_description_is_kept_current_while_it_is_open() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("d")
        await operator.until_shown("keeper 5100")
        operator.engine.descriptions["chat"] = replace(
            DESCRIPTION, sections=(DescribeSection("State", (("state", "unhealthy[/x]"),)),)
        )
        await operator.until_shown("unhealthy[/x]")

    drive(described_engine(), script)


def test_an_instance_that_is_gone_is_said_on_its_page() -> None:
    async def script(operator: Operator) -> None:
        operator.engine.published = snapshot(TRIO[1:], seq=1)
        operator.dashboard.action_describe()
        await operator.until_shown("no such instance")
        await operator.press("y")
        await operator.until(lambda: operator.told() == [("warning", "There is no command line to copy.")])

    engine = engine_of(snapshot(TRIO[:1]))
    drive(engine, script)


def test_y_on_the_page_copies_the_command_line() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("d")
        await operator.until_shown("keeper 5100")
        await operator.press("y")
        await operator.until(lambda: operator.app.clipboard == DESCRIPTION.command_line)

    drive(described_engine(), script)


def test_a_long_description_scrolls_with_the_usual_keys() -> None:
    rows = tuple((f"fact {index}", "x") for index in range(80))

    async def script(operator: Operator) -> None:
        await operator.press("d")
        await operator.until_shown("fact 0")
        for keys, text in [("G", "fact 79"), ("g", "fact 0"), ("jjkj", "fact 1"), (["pagedown"], "fact 30")]:
            await operator.press(*keys)
            await operator.until_shown(text)

    engine = engine_of(snapshot(TRIO))
    engine.descriptions["chat"] = Description("chat", "", (DescribeSection("", rows),))
    drive(engine, script, size=(80, 24))


@pytest.mark.parametrize("close", ["escape", "question_mark"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
def test_the_question_mark_shows_every_key(close: str, size: tuple[int, int]) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("question_mark")
        await operator.until_shown("start the chosen instances")
        await operator.press("G")
        await operator.until_shown("a text, or a regular expression")
        await operator.press(close)
        await operator.until_shown("Instances ─")

    drive(engine_of(snapshot(TRIO)), script, size=size)


def test_the_help_explains_the_sign_of_every_state() -> None:
    signs = " ".join(label for label, _text in LEGEND.rows)

    assert all(state_look(state).glyph in signs for state in State)


def test_help_opens_over_a_description_too() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("d")
        await operator.until_shown("keeper 5100")
        await operator.press("question_mark")
        await operator.until_shown("start the chosen instances")
        await operator.press("escape")
        await operator.until_shown("keeper 5100")

    drive(described_engine(), script)


def test_the_palette_finds_an_action_by_name() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("ctrl+p")
        await operator.until_shown("Start the chosen instances")
        await operator.press(*"restart everything")
        await operator.until_gone("Start the chosen")
        await operator.until_shown("Restart everything unhealthy")
        await operator.press("enter")
        await operator.until(lambda: bool(operator.engine.submitted))
        assert operator.engine.submitted[0].target.unhealthy

    drive(engine_of(snapshot()), script)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("log: search", lambda operator: operator.log.is_typing and operator.log.prompt_kind is PromptKind.SEARCH),
        ("events: save", lambda operator: operator.event_pane.is_typing),
        ("log: wrap", lambda operator: operator.log.text.is_wrapped),
    ],
    ids=["log-search", "events-save", "log-wrap"],
)
def test_the_palette_does_what_belongs_to_another_pane_there(typed: str, expected: Callable[[Operator], bool]) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("ctrl+p")
        await operator.until_shown("Start the chosen instances")
        await operator.press(*("space" if letter == " " else letter for letter in typed))
        await operator.until_shown(f"{typed[0].upper()}{typed[1:]}"[:8])
        await operator.pilot.pause(0.3)
        await operator.press("enter")
        await operator.until(lambda: expected(operator), "it is done")

    drive(engine_of(snapshot(TRIO)), script)


def test_the_palette_offers_every_action_of_every_pane() -> None:
    async def script(operator: Operator) -> None:
        offered = {one.text for one in ConsoleCommands(operator.dashboard)._offers()}
        scopes = {Scope.APP, Scope.INSTANCE, Scope.DASHBOARD, Scope.TABLE, Scope.EVENTS, Scope.LOG}
        actions = [one for one in in_scopes(scopes) if one.group is not Group.MOVE and one.id != "palette"]
        assert {text_of(one) for one in actions} <= offered

    drive(engine_of(snapshot(TRIO)), script)


def test_the_palette_leads_to_an_instance() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("ctrl+p")
        await operator.until_shown("Start the chosen instances")
        await operator.press(*"go to code")
        await operator.until_gone("Start the chosen")
        await operator.until_shown("Go to code")
        await operator.press("enter")
        await operator.until(lambda: operator.table.cursor_name == "code")

    drive(engine_of(snapshot(TRIO)), script)


def test_the_palette_over_the_welcome_does_not_start_anything() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("ctrl+p")
        await operator.until_shown("Try it with three tiny models")
        assert "Start the chosen" not in operator.text()

    drive(engine_of(snapshot(())), script)


def test_the_answer_under_the_cursor_is_told_apart_in_sixteen_colours() -> None:
    async def script(operator: Operator) -> None:
        operator.app.theme = ANSI.name
        await operator.press("q")
        await operator.until_shown("Leave the console?")
        answers = operator.app.screen.query_one(OptionList)
        drawn = [{bool(part.style and part.style.underline) for part in answers.render_line(line)} for line in (0, 2)]
        assert drawn == [{True}, {False}], "bold alone is easily overlooked"

    drive(engine_of(snapshot(TRIO)), script)


def test_the_themes_have_their_corner_for_themselves() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("u")
        await operator.until(lambda: bool(operator.told()))
        await operator.press("t")
        await operator.until_shown("try on")
        await operator.until(lambda: not operator.told())

    drive(engine_of(snapshot(TRIO)), script)


def test_t_tries_themes_on_and_enter_keeps_one() -> None:
    async def script(operator: Operator) -> None:
        assert operator.app.theme == DARK.name
        await operator.press("t")
        await operator.until_shown("enter keep")
        await operator.press("down")
        await operator.until(lambda: operator.app.theme == LIGHT.name)
        assert operator.app.remembered.get("theme") is None, "only tried on"
        await operator.press("enter")
        await operator.until_gone("enter keep")
        assert operator.app.theme == operator.app.remembered.get("theme") == LIGHT.name

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize("key", ["escape", "t"])
def test_backing_out_wears_the_theme_of_before(key: str) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("t", *["j"] * len(THEMES))
        await operator.until(lambda: operator.app.theme not in {one.name for one in THEMES})
        await operator.press("k", key)
        await operator.until_gone("enter keep")
        assert operator.app.theme == DARK.name
        assert operator.app.remembered.get("theme") is None

    drive(engine_of(snapshot(TRIO)), script)


def test_every_theme_of_ours_and_of_textual_draws_the_busy_screen() -> None:
    async def script(operator: Operator) -> None:
        for name in operator.app.available_themes:
            operator.app.theme = name
            await operator.pilot.pause()
            assert "● ready" in operator.text()

    drive(engine_of(snapshot()), script)


def contrast(one: Color, other: Color) -> float:
    """The WCAG ratio of two colours."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Color) -> float:
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize(
    ("theme", "least"), [(DARK, 4.5), (LIGHT, 4.5), (CONTRAST, 7.0)], ids=lambda one: str(one)[:30]
)
def test_states_can_be_read_on_every_theme_of_ours(theme: Theme, least: float) -> None:
    async def script(operator: Operator) -> None:
        operator.app.theme = theme.name
        await operator.pilot.pause()
        ground = operator.table.background_colors[1]
        for ink in INKS:
            shown = operator.table.ink(ink).color
            assert shown is not None
            assert contrast(ground, Color.from_rich_color(shown)) >= least, ink

    assert theme in THEMES
    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize(
    ("theme", "least"), [(DARK, 4.0), (LIGHT, 3.9), (CONTRAST, 7.0)], ids=lambda one: str(one)[:30]
)
def test_states_can_be_read_on_chosen_rows_too(theme: Theme, least: float) -> None:
    """The row under the cursor is the one that is read."""

    async def script(operator: Operator) -> None:
        operator.app.theme = theme.name
        await operator.pilot.pause()
        papers: list[tuple[Inked, str]] = [
            (operator.table, "table--cursor"),
            (operator.table, "table--cursor-blurred"),
            (operator.table, "table--marked"),
            (operator.events, "events--cursor"),
            (operator.log.text, "log--current"),
        ]
        for widget, paper in papers:
            ground = widget.paper(paper).bgcolor
            for ink in INKS:
                shown = widget.ink(ink).color
                assert ground is not None
                assert shown is not None
                found = contrast(Color.from_rich_color(ground), Color.from_rich_color(shown))
                assert found >= least, (paper, ink)

    drive(engine_of(snapshot(TRIO)), script)


def test_a_toast_of_the_sixteen_colours_is_written_on_the_terminals_own_ground() -> None:
    """Black under a terminal's own ink cannot be read where that is black, too."""

    async def script(operator: Operator) -> None:
        operator.app.theme = ANSI.name
        operator.app.notify("chat: stopped")
        await operator.until_shown("chat: stopped")
        toast = operator.dashboard.query_one("Toast")
        assert (toast.styles.background, toast.styles.color) == (
            Color.parse("ansi_default"),
            Color.parse("ansi_default"),
        )

    drive(engine_of(snapshot(TRIO)), script)


def test_a_theme_that_does_not_exist_means_the_default() -> None:
    app = ConsoleApp(engine_of(snapshot(TRIO)), clock=lambda: NOW, theme="no-such-theme")

    assert app.theme == DARK.name


def test_a_theme_can_be_given() -> None:
    assert ConsoleApp(engine_of(snapshot(TRIO)), theme=LIGHT.name).theme == LIGHT.name


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
def test_a_blank_line_stands_between_the_groups_of_what_does_not_run(size: tuple[int, int]) -> None:
    engine = engine_of(snapshot((replace(TRIO[0], state=State.STOPPED, pid=None), *TRIO[1:])))
    engine.descriptions["chat"] = DESCRIPTION

    async def script(operator: Operator) -> None:
        await operator.press("d")
        await operator.until_shown("2.4 GiB")
        lines = operator.lines()
        title = next(number for number, line in enumerate(lines) if "│ Model" in line)
        assert not lines[title - 1].strip(" │▇▅▂")

    drive(engine, script, size=size)
