from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.log_asking import LogPattern
from engine.snapshots import Event, EventType, Level
from widgets.event_sieve import EventSieve, shown_text

EVENTS = tuple(
    Event(float(number), name, level, kind, f"words {number}\x1b[31m", (), number)
    for number, (name, level, kind) in enumerate(
        [
            (None, Level.INFO, EventType.LED),
            ("a", Level.INFO, EventType.READY),
            ("a", Level.ERROR, EventType.EXITED),
            ("b", Level.WARNING, EventType.EXITED),
            ("b", Level.INFO, "of-a-later-version"),
        ]
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
    assert EventSieve(("a", "b"), Level.WARNING).describe() == "a, b · warnings, errors"


@pytest.mark.parametrize(
    ("sieve", "expected"),
    [
        (EventSieve(type=EventType.EXITED), [2, 3]),
        (EventSieve(type="of-a-later-version"), [4]),
        (EventSieve(("b",), type=EventType.EXITED), [3]),
        (EventSieve(pattern=LogPattern("words 1")), [1]),
        (EventSieve(pattern=LogPattern("b exited")), [3]),
        (EventSieve(pattern=LogPattern("^–", is_regex=True)), [0]),
        (EventSieve(pattern=LogPattern("31m")), []),
    ],
)
def test_types_and_texts_narrow_too(sieve: EventSieve, expected: list[int]) -> None:
    assert ids(sieve) == expected
    assert not sieve.is_open


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(UsageError):
        EventSieve(pattern=LogPattern("(", is_regex=True)).tester()


def test_everything_that_is_held_back_is_said() -> None:
    sieve = EventSieve(("a",), Level.ERROR, EventType.EXITED, LogPattern("oom"))
    assert sieve.describe() == "a · errors · exited · filter oom"


def test_a_text_is_looked_for_in_what_is_read_on_the_screen() -> None:
    assert shown_text(EVENTS[0]) == "– led words 0"


def test_the_level_goes_round() -> None:
    sieve = EventSieve()
    seen = [(sieve := sieve.next_level()).least for _ in range(3)]
    assert seen == [Level.WARNING, Level.ERROR, None]
