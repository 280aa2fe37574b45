from __future__ import annotations

import asyncio

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from llama_orch_tui.screens.choice import Choice, ChoiceScreen
from llama_orch_tui.screens.fitted import Fitted
from themes import DIALOGS


class Counted(Static):
    """Counts how often it gets its styles."""

    styled = 0

    def notify_style_update(self) -> None:
        """Once more."""
        self.styled += 1
        super().notify_style_update()


class Page(Fitted[None]):
    """One line, with the classes that its screen had when it was made."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual's own type
    VERTICAL_BREAKPOINTS = [(30, "-tall")]  # noqa: RUF012 - likewise

    def compose(self) -> ComposeResult:
        """The line."""
        yield Counted(" ".join(sorted(self.classes)))


class Host(App[None]):
    """Shows the page."""

    def get_default_screen(self) -> Page:
        """The page."""
        return Page()


@pytest.mark.parametrize(
    ("size", "classes"),
    [((80, 24), "-narrow"), ((100, 24), "-wide"), ((99, 30), "-narrow -tall"), ((140, 50), "-tall -wide")],
)
def test_the_first_picture_has_the_classes_of_the_size(size: tuple[int, int], classes: str) -> None:
    async def look() -> tuple[str, int]:
        async with Host().run_test(size=size) as pilot:
            line = pilot.app.screen.query_one(Counted)
            return str(line.content), line.styled

    assert asyncio.run(look()) == (classes, 1)


def test_another_size_brings_its_classes() -> None:
    async def look() -> tuple[bool, bool, int]:
        async with Host().run_test(size=(80, 24)) as pilot:
            await pilot.resize_terminal(120, 40)
            await pilot.pause()
            screen = pilot.app.screen
            return screen.has_class("-narrow"), screen.has_class("-wide"), screen.query_one(Counted).styled

    assert asyncio.run(look()) == (False, True, 2)


def test_a_dialog_brings_its_sheet_where_nobody_has_read_it() -> None:
    async def look() -> tuple[bool, int]:
        async with Host().run_test(size=(120, 40)) as pilot:
            was_read = pilot.app.stylesheet.has_source(str(DIALOGS))
            await pilot.app.push_screen(ChoiceScreen("Which?", "", [Choice("a", "a", "A")]))
            await pilot.pause()
            return was_read, pilot.app.screen.query_one(".dialog").size.width

    assert asyncio.run(look()) == (False, 62)
