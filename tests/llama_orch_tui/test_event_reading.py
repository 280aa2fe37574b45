"""Pages of stored events, backwards, from a real database."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from engine.log_asking import LogPattern
from engine.snapshots import Event, EventPlace, EventQuery, EventType, Level
from engine.state.events import count_stored_events, get_recent_events
from engine.state.store import open_store
from llama_orch_tui import event_reading
from llama_orch_tui.event_export import propose_name, save_events
from llama_orch_tui.event_reading import ReadingOrder, iter_pages_back, read_older
from tests.fakes.still_engine import StillEngine
from widgets.event_sieve import EventSieve

PAGE = 10


class StoringEngine(StillEngine):
    """An engine over a real database."""

    def __init__(self, path: Path, events: Iterable[Event]) -> None:
        super().__init__()
        self._path = path
        store = open_store(path)
        assert store is not None
        with closing(store), store.transaction():
            for event in events:
                store.add_event(event)

    def read_events(self, query: EventQuery) -> tuple[Event, ...]:
        self.queries.append(query)
        return get_recent_events(self._path, query)

    def count_events(self) -> int:
        return count_stored_events(self._path)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_reading, "PAGE", PAGE)


def event(number: int, ts: float) -> Event:
    loud = number % 10 == 0
    return Event(
        ts,
        "abcdefghijkl"[number % 12],
        Level.ERROR if loud else Level.INFO,
        EventType.EXITED if loud else EventType.READY,
        f"event {number}",
    )


def never() -> bool:
    return False


def read_all(engine: StillEngine, sieve: EventSieve) -> list[Event]:
    """Reading after reading, as somebody who scrolls up does; oldest first."""
    found: list[Event] = []
    before: EventPlace | None = None
    while True:
        older = read_older(engine, ReadingOrder(sieve, before), never)
        known = {one.id for one in found}
        found[:0] = [one for one in older.events if one.id not in known]
        if older.is_complete:
            return found
        before = older.reached


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param([float(number) for number in range(95)], id="each its own"),
        pytest.param([float(number // 4) for number in range(95)], id="four at a time"),
        pytest.param([5.0] * 95, id="all at once"),
        pytest.param([], id="none"),
    ],
)
@pytest.mark.parametrize(
    "sieve",
    [
        EventSieve(),
        EventSieve(("a",)),
        EventSieve(("a", "b", "c")),
        EventSieve(tuple("abcdefghij")),
        EventSieve(least=Level.ERROR),
        EventSieve(type=EventType.EXITED),
        EventSieve(pattern=LogPattern("event 7")),
        EventSieve(("k",), Level.WARNING, EventType.EXITED, LogPattern("event")),
    ],
    ids=lambda sieve: sieve.describe() or "all",
)
def test_reading_after_reading_finds_each_event_once(tmp_path: Path, moments: list[float], sieve: EventSieve) -> None:
    engine = StoringEngine(tmp_path / "state.sqlite", [event(number, ts) for number, ts in enumerate(moments)])
    expected = sieve.pick(engine.read_events(EventQuery(limit=1000)))
    assert read_all(engine, sieve) == list(expected)
    pages = [one for page in iter_pages_back(engine, sieve, None) for one in page]
    assert len({one.id for one in pages}) == len(pages)


def test_a_reading_ends_with_a_page_and_the_first_one_counts(tmp_path: Path) -> None:
    engine = StoringEngine(tmp_path / "state.sqlite", [event(number, number) for number in range(95)])
    older = read_older(engine, ReadingOrder(EventSieve()), never)
    assert (len(older.events), older.reached, older.is_complete, older.total) == (PAGE, (85.0, 86), False, 95)
    again = read_older(engine, ReadingOrder(EventSieve(), older.reached), never)
    assert again.total is None


def test_a_reading_with_a_goal_goes_back_until_it_is_found(tmp_path: Path) -> None:
    engine = StoringEngine(tmp_path / "state.sqlite", [event(number, number) for number in range(95)])
    older = read_older(engine, ReadingOrder(EventSieve(), goal=LogPattern("event 41")), never)
    assert older.events[0].message in {f"event {number}" for number in range(32, 42)}
    assert not older.is_complete


def test_a_reading_that_finds_little_ends_too_and_says_how_far_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_reading, "MOST_PAGES", 2)
    engine = StoringEngine(tmp_path / "state.sqlite", [event(number, number) for number in range(95)])
    older = read_older(engine, ReadingOrder(EventSieve(pattern=LogPattern("nowhere"))), never)
    assert older.events == ()
    assert older.reached is not None
    assert 70 < older.reached[0] < 80
    assert not older.is_complete


def test_who_wants_it_no_more_gets_what_there_is(tmp_path: Path) -> None:
    engine = StoringEngine(tmp_path / "state.sqlite", [event(number, number) for number in range(95)])
    read_older(engine, ReadingOrder(EventSieve(pattern=LogPattern("nowhere"))), lambda: True)
    assert len(engine.queries) == 1


def test_what_is_saved_is_in_order_and_holds_what_is_not_stored_yet(tmp_path: Path) -> None:
    engine = StoringEngine(tmp_path / "state.sqlite", [event(number, number) for number in range(95)])
    shown = (event(94, 94), event(100, 100))
    path = tmp_path / "saved"
    assert save_events(engine, EventSieve(), shown, path, never) == 96
    words = [f'"message": "event {number}"' for number in (*range(95), 100)]
    lines = path.read_text().splitlines()
    assert len(lines) == len(words)
    assert all(word in line for word, line in zip(words, lines, strict=True))


def test_what_is_broken_off_leaves_no_file(tmp_path: Path) -> None:
    engine = StoringEngine(tmp_path / "state.sqlite", [event(number, number) for number in range(95)])
    with pytest.raises(InterruptedError):
        save_events(engine, EventSieve(), (), tmp_path / "saved", lambda: True)
    assert not (tmp_path / "saved").exists()


def test_a_proposed_name_says_whose_events_it_holds() -> None:
    assert propose_name(EventSieve(("chat",)), 0.0).startswith("events-chat-19")
    assert propose_name(EventSieve(("a", "b")), 0.0).startswith("events-19")
    assert propose_name(EventSieve(), 0.0).endswith(".jsonl")
