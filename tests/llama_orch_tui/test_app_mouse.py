"""The mouse: clicks and the wheel, wherever they may land; and a table that stays put under new data."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.events import MouseScrollDown, MouseScrollUp

from engine.snapshots import Event, EventType, InstanceSnapshot, Level, State
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import NOW, TRIO, engine_of, instance, snapshot

CROWD = tuple(instance(f"model-{number:03}", State.READY, port=9000 + number, cpu=1) for number in range(200))


def events(count: int) -> tuple[Event, ...]:
    return tuple(
        Event(NOW + index, "chat", Level.INFO, EventType.READY, f"event number {index:03}", (), index + 1)
        for index in range(count)
    )


def changed(rows: tuple[InstanceSnapshot, ...]) -> tuple[InstanceSnapshot, ...]:
    return tuple(replace(one, cpu_percent=77.0) for one in rows)


async def wheel(operator: Operator, where: str, times: int, *, is_up: bool = False) -> None:
    for _ in range(times):
        await operator.pilot._post_mouse_events([MouseScrollUp if is_up else MouseScrollDown], where, button=0)
    await operator.pilot.pause()


def test_a_table_scrolled_with_the_wheel_stays_where_it_is_under_new_data() -> None:
    async def script(operator: Operator) -> None:
        await wheel(operator, "#table", 20)
        top = operator.table.scroll_offset.y
        assert top > 0
        operator.engine.publish(snapshot(changed(CROWD), seq=2))
        await operator.until_shown("77%")
        assert operator.table.scroll_offset.y == top
        assert operator.table.cursor_name == "model-000"
        await operator.press("down")
        assert operator.table.scroll_offset.y <= 1

    drive(engine_of(snapshot(CROWD)), script)


def test_200_instances_are_filtered_as_one_types_and_the_cursor_stays_on_its_own() -> None:
    async def script(operator: Operator) -> None:
        left = {one.name for one in CROWD if "9" in one.name and "19" not in one.name}
        await operator.press("end", "slash", *"9 !19")
        assert {one.name for one in operator.table.rows} == left
        await operator.press(*["backspace"] * 4)
        assert operator.table.cursor_name in {one.name for one in operator.table.rows}
        await operator.press("escape")
        assert len(operator.table.rows) == 200

    drive(engine_of(snapshot(CROWD)), script)


def test_events_scrolled_with_the_wheel_stay_and_follow_again_at_the_end() -> None:
    async def script(operator: Operator) -> None:
        await wheel(operator, "#events", 4, is_up=True)
        assert not operator.events.is_following
        top = operator.events.scroll_offset.y
        operator.engine.publish(snapshot(TRIO, events=events(110), seq=2))
        await operator.until(lambda: len(operator.events.rows) == 110)
        assert operator.events.scroll_offset.y == top
        await wheel(operator, "#events", 20)
        assert operator.events.is_following
        await operator.until_shown("event number 109")

    drive(engine_of(snapshot(TRIO, events=events(100))), script)


def test_a_click_chooses_an_event_and_a_second_one_shows_its_log() -> None:
    async def script(operator: Operator) -> None:
        await operator.pilot.click("#events", offset=(5, 2))
        assert operator.events.cursor == 2
        await operator.pilot.click("#events", offset=(5, 2), times=2)
        await operator.until(lambda: operator.log.text.has_focus)

    drive(engine_of(snapshot(TRIO, events=events(5))), script)


def test_a_click_on_a_key_in_the_footer_does_what_the_key_does() -> None:
    async def script(operator: Operator) -> None:
        await operator.pilot.click(offset=(operator.lines()[-1].index("Zoom"), 39))
        await operator.until_gone("─ Events")
        await operator.pilot.click(offset=(operator.lines()[-1].index("Zoom"), 39))
        await operator.until_shown("─ Events")

    drive(engine_of(snapshot(TRIO)), script)


def test_a_click_opens_a_tab() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("enter")
        await operator.until_shown("[1 Overview]")
        row = operator.line_of("[1 Overview]")
        await operator.pilot.click(offset=(operator.lines()[row].index("4 Health"), row))
        await operator.until_shown("[4 Health]")

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize("tag", ["标签" * 80, "a tag " * 60], ids=["wide", "long"])
def test_a_tag_that_is_too_long_gives_way_to_the_numbers_of_its_group(tag: str) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("T")
        await operator.until_shown("… · 1 of 1 ready")

    drive(engine_of(snapshot((replace(TRIO[0], tags=(tag,)),))), script, size=(80, 24))


@pytest.mark.parametrize(
    ("keys", "hint"),
    [
        pytest.param(("slash", "z"), "Show all", id="filter"),
        pytest.param(("slash", "z"), "To the table", id="to-the-table"),
        pytest.param(("l", "slash", "z"), "Drop it", id="log"),
        pytest.param(("d", "6", "slash", "z"), "Drop it", id="page"),
    ],
)
def test_a_click_on_a_hint_while_something_is_typed_does_what_its_key_does(keys: tuple[str, ...], hint: str) -> None:
    async def script(operator: Operator) -> None:
        await operator.press(*keys)
        await operator.until_shown(hint)
        last = len(operator.lines()) - 1
        await operator.pilot.click(offset=(operator.lines()[last].index(hint) + 1, last))
        await operator.until_gone(hint)
        assert operator.app.breakdown is None

    drive(engine_of(snapshot(TRIO)), script)
