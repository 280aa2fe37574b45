"""The sizes of the panes: stepped with keys, dragged with the mouse, remembered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.events import MouseDown, MouseMove, MouseUp

from llama_orch_tui.remembered import Choice, Remembered
from llama_orch_tui.screens.pane_acts import REMEMBERED
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import TRIO, engine_of, snapshot
from widgets.pane_sizes import PaneSizes

TALL, WIDE, SHORT, SHORT_WIDE = (100, 40), (140, 40), (80, 24), (140, 24)
EVERY_SIZE = [TALL, WIDE, SHORT, SHORT_WIDE, (250, 70)]


@dataclass(frozen=True)
class Cells:
    """What the panes have on the screen."""

    table: int
    """Lines."""
    events: int
    """Lines, or columns where events and log stand side by side."""
    log: int


def cells(operator: Operator) -> Cells:
    deck = operator.dashboard.deck
    sizes = [one.region.size for one in (deck.table_pane, deck.events, deck.log_pane)]
    along = [one.width if deck.is_beside else one.height for one in sizes]
    return Cells(sizes[0].height, along[1], along[2])


async def drag(operator: Operator, start: tuple[int, int], end: tuple[int, int]) -> None:
    """The button down at one place, the pointer to another, the button up."""
    await operator.pilot._post_mouse_events([MouseMove, MouseDown], offset=start, button=1)
    await operator.pilot._post_mouse_events([MouseMove], offset=end, button=1)
    await operator.pilot._post_mouse_events([MouseUp], offset=end, button=1)
    await operator.pilot.pause()


@pytest.mark.parametrize("size", EVERY_SIZE, ids=str)
@pytest.mark.parametrize(("key", "lines"), [("plus", 1), ("minus", -1)])
def test_plus_and_minus_move_the_border_below_the_table_by_a_line(size: tuple[int, int], key: str, lines: int) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("minus", "minus")
        before = cells(operator).table
        for count in range(1, 4):
            await operator.press(key)
            assert cells(operator).table == before + count * lines

    drive(engine_of(snapshot()), script, size=size)


@pytest.mark.parametrize("size", EVERY_SIZE, ids=str)
@pytest.mark.parametrize(("key", "sign"), [("greater_than_sign", 1), ("less_than_sign", -1)])
def test_angle_brackets_move_the_border_between_events_and_log(size: tuple[int, int], key: str, sign: int) -> None:
    async def script(operator: Operator) -> None:
        before = cells(operator)
        step = sign * (4 if operator.dashboard.deck.is_beside else 1)
        for count in range(1, 3 if size == SHORT else 4):
            await operator.press(key)
            now = cells(operator)
            assert (now.events, now.log) == (before.events + count * step, before.log - count * step)

    drive(engine_of(snapshot(TRIO)), script, size=size)


@pytest.mark.parametrize("size", [*EVERY_SIZE, (60, 14), (30, 8)], ids=str)
def test_no_pane_is_pushed_off_the_screen(size: tuple[int, int]) -> None:
    async def script(operator: Operator) -> None:
        for keys in (["plus"] * 40, ["less_than_sign"] * 30, ["minus"] * 40, ["greater_than_sign"] * 30):
            for key in keys:
                operator.app.simulate_key(key)
            await operator.press("j")
            deck = operator.dashboard.deck
            for pane in (deck.table_pane, deck.events, deck.log_pane):
                if size[1] > 20:
                    assert pane.region.height >= 3
                    assert deck.region.contains_region(pane.region)
            assert operator.lines()[0].strip().startswith(("lorch", "llama-orch-tui"))

    drive(engine_of(snapshot()), script, size=size)


def test_equals_sets_all_sizes_back_and_forgets_them(tmp_path: Path) -> None:
    remembered = Remembered(tmp_path / "ui.json")

    async def script(operator: Operator) -> None:
        before = cells(operator)
        await operator.press("plus", "plus", "greater_than_sign")
        assert cells(operator) != before
        await operator.press("equals_sign")
        assert cells(operator) == before
        assert remembered.get(REMEMBERED) == PaneSizes().to_choices()

    drive(engine_of(snapshot(TRIO)), script, remembered=remembered)
    remembered.close()


@pytest.mark.parametrize("pane", ["table", "events", "log"])
def test_a_zoom_comes_back_to_the_chosen_sizes_and_leaves_them_alone(pane: str) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("plus", "plus", "plus", "greater_than_sign")
        before = cells(operator)
        operator.dashboard.action_focus_pane(pane)
        await operator.press("z", "plus", "greater_than_sign")
        deck = operator.dashboard.deck
        zoomed = {"table": deck.table_pane, "events": deck.events, "log": deck.log_pane}[pane]
        assert zoomed.region.size == deck.region.size
        assert any("has the whole screen" in words for _severity, words in operator.told())
        await operator.press("z")
        assert cells(operator) == before

    drive(engine_of(snapshot(TRIO)), script)


def test_the_sizes_are_there_again_in_the_next_run(tmp_path: Path) -> None:
    remembered = Remembered(tmp_path / "ui.json")
    seen: list[Cells] = []

    async def choose(operator: Operator) -> None:
        await operator.press("plus", "plus", "plus", "less_than_sign")
        seen.append(cells(operator))

    async def look(operator: Operator) -> None:
        assert cells(operator) == seen[0]

    drive(engine_of(snapshot(TRIO)), choose, remembered=remembered)
    remembered.close()
    drive(engine_of(snapshot(TRIO)), look, remembered=Remembered(tmp_path / "ui.json"))


@pytest.mark.parametrize(
    "choice",
    [7, "half", ["x"], {"table": "high"}, {"table": -3, "events": 12}, {"events": True}, {"table": 1e999}],
    ids=str,
)
def test_a_damaged_size_is_the_one_that_comes_by_itself(choice: Choice) -> None:
    remembered = Remembered()
    remembered.put(REMEMBERED, choice)

    async def script(operator: Operator) -> None:
        assert operator.dashboard.deck.sizes == PaneSizes()

    drive(engine_of(snapshot(TRIO)), script, remembered=remembered)


@pytest.mark.parametrize("size", EVERY_SIZE, ids=str)
def test_the_border_below_the_table_is_dragged(size: tuple[int, int], tmp_path: Path) -> None:
    remembered = Remembered(tmp_path / "ui.json")

    async def script(operator: Operator) -> None:
        before, row = cells(operator).table, operator.dashboard.deck.lower.region.y
        await drag(operator, (10, row), (12, row + 4))
        assert cells(operator).table == before + 4
        assert remembered.get(REMEMBERED) == operator.dashboard.deck.sizes.to_choices()
        await drag(operator, (10, row + 4), (10, row + 1))
        assert cells(operator).table == before + 1

    drive(engine_of(snapshot(TRIO)), script, size=size, remembered=remembered)
    remembered.close()


@pytest.mark.parametrize("size", [WIDE, SHORT_WIDE, (250, 70)], ids=str)
def test_the_border_between_events_and_log_is_dragged_where_they_are_side_by_side(size: tuple[int, int]) -> None:
    async def script(operator: Operator) -> None:
        before, region = cells(operator), operator.dashboard.deck.events.region
        await drag(operator, (region.right - 1, region.y + 3), (region.right + 9, region.y + 5))
        assert cells(operator).events == before.events + 10
        assert cells(operator).log == before.log - 10

    drive(engine_of(snapshot(TRIO)), script, size=size)


@pytest.mark.parametrize("size", [TALL, SHORT], ids=str)
def test_the_border_between_events_and_log_is_dragged_where_one_is_above_the_other(size: tuple[int, int]) -> None:
    async def script(operator: Operator) -> None:
        before, row = cells(operator), operator.dashboard.deck.log_pane.region.y
        await drag(operator, (20, row), (20, row + 2))
        assert (cells(operator).events, cells(operator).log) == (before.events + 2, before.log - 2)

    drive(engine_of(snapshot(TRIO)), script, size=size)


def test_a_border_under_the_pointer_is_coloured_and_what_is_beside_it_is_not() -> None:
    async def script(operator: Operator) -> None:
        deck = operator.dashboard.deck
        await operator.pilot.hover(offset=(10, deck.lower.region.y))
        assert deck.table_pane.has_class("-grip-bottom")
        assert deck.events.has_class("-grip-top")
        await operator.pilot.hover(offset=(deck.log_pane.region.x, deck.log_pane.region.y + 2))
        assert not deck.table_pane.has_class("-grip-bottom")
        assert deck.log_pane.has_class("-grip-left")
        await operator.pilot.hover("#log")
        assert not any(one.startswith("-grip") for one in deck.log_pane.classes | deck.events.classes)

    drive(engine_of(snapshot(TRIO)), script)


def test_the_right_button_drags_nothing() -> None:
    async def script(operator: Operator) -> None:
        row = operator.dashboard.deck.lower.region.y
        await operator.pilot._post_mouse_events([MouseDown], offset=(10, row), button=3)
        await operator.pilot._post_mouse_events([MouseMove, MouseUp], offset=(10, row + 5), button=3)
        assert operator.dashboard.deck.sizes == PaneSizes()

    drive(engine_of(snapshot(TRIO)), script)


def test_a_click_on_the_frame_of_a_pane_goes_there() -> None:
    async def script(operator: Operator) -> None:
        for pane in ("events", "log", "table"):
            region = getattr(operator.dashboard.deck, {"table": "table_pane", "log": "log_pane"}.get(pane, pane)).region
            await operator.pilot.click(offset=(region.x + 4, region.y))
            assert operator.dashboard.focused is not None
            assert operator.dashboard.focused.id == pane

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize("size", EVERY_SIZE, ids=str)
def test_chosen_sizes_survive_another_terminal_size(size: tuple[int, int]) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("plus", "plus", "greater_than_sign")
        before = cells(operator)
        await operator.pilot.resize_terminal(90, 30)
        await operator.pilot.pause()
        assert operator.dashboard.deck.log_pane.region.bottom == operator.dashboard.deck.region.bottom
        await operator.pilot.resize_terminal(*size)
        await operator.pilot.pause()
        assert cells(operator) == before

    drive(engine_of(snapshot(TRIO)), script, size=size)
