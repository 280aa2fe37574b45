from __future__ import annotations

from engine.snapshots import Event, EventType, Level
from widgets.event_sieve import EventSieve

EVENTS = tuple(
    Event(float(number), name, level, EventType.READY, "x", (), number)
    for number, (name, level) in enumerate(
        [(None, Level.INFO), ("a", Level.INFO), ("a", Level.ERROR), ("b", Level.WARNING), ("b", Level.INFO)]
    )
)


def ids(sieve: EventSieve) -> list[int]:
    return [one.id for one in sieve.pick(EVENTS)]


def test_all_pass_as_it_is_made() -> None:
    assert EventSieve().is_open
    assert ids(EventSieve()) == [0, 1, 2, 3, 4]
    assert EventSieve().describe() == ""


def test_instances_and_levels_narrow_together() -> None:
    assert ids(EventSieve(("a",))) == [1, 2]
    assert ids(EventSieve(("a", "b"), Level.WARNING)) == [2, 3]
    assert EventSieve(("a", "b"), Level.WARNING).describe() == "a, b · warnings"


def test_the_level_goes_round() -> None:
    sieve = EventSieve()
    seen = [(sieve := sieve.next_level()).least for _ in range(3)]
    assert seen == [Level.WARNING, Level.ERROR, None]
