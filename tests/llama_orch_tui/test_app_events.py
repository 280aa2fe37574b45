"""The pane of events: whose are shown, how loud, and back to all."""

from __future__ import annotations

from engine.snapshots import Event, EventType, Level
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import EVENTS, NOW, TRIO, engine_of, snapshot

NAMES = [one.name for one in TRIO]
MIXED = tuple(
    Event(NOW + number, NAMES[number % 3], level, EventType.READY, f"event {number}", (), number + 1)
    for number, level in enumerate([Level.INFO, Level.WARNING, Level.ERROR] * 3)
)


def shown(operator: Operator) -> list[str]:
    return [one.instance or "" for one in operator.events.rows]


def test_f_shows_the_events_of_the_instance_under_the_cursor_and_follows_it() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "f")
        assert shown(operator) == [NAMES[0]] * 3
        await operator.until_shown(f"Events · {NAMES[0]} · 3 of 9")
        await operator.press("escape")
        assert shown(operator) == [one.instance for one in MIXED]
        await operator.press("f", "tab", "tab", "down")
        await operator.until(lambda: shown(operator) == [NAMES[1]] * 3)
        await operator.press("e", "f")
        assert len(shown(operator)) == 9

    drive(engine_of(snapshot(TRIO, events=MIXED)), script)


def test_f_shows_the_events_of_the_marked_instances() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("space", "down", "space", "e", "f")
        assert sorted(set(shown(operator))) == sorted(NAMES[:2])

    drive(engine_of(snapshot(TRIO, events=MIXED)), script)


def test_shift_l_goes_through_the_levels_and_new_events_are_sifted_too() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "L")
        assert len(shown(operator)) == 6
        await operator.press("L")
        assert len(shown(operator)) == 3
        more = Event(NOW + 50, NAMES[0], Level.ERROR, EventType.FAILED, "given up", (), 50)
        operator.engine.publish(snapshot(TRIO, events=(*MIXED, more), seq=2))
        await operator.until(lambda: len(operator.events.rows) == 4)
        assert operator.events.chosen() == more
        await operator.press("L")
        assert len(shown(operator)) == 10

    drive(engine_of(snapshot(TRIO, events=MIXED)), script)


def test_a_sieve_that_leaves_nothing_says_so_and_enter_does_nothing() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "L", "L")
        await operator.until_shown("None of the newest events is like this.")
        await operator.press("enter", "d", "up")
        assert operator.events.chosen() is None

    drive(engine_of(snapshot(TRIO, events=EVENTS[:3])), script)
