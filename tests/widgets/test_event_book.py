"""What the event pane knows: newest and older events, each once, in order, within a bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

import widgets.event_book
from engine.log_asking import LogPattern
from engine.snapshots import Event, EventType, Level
from widgets.event_book import EventBook, OlderEvents
from widgets.event_sieve import EventSieve


def event(number: int) -> Event:
    """As it is stored."""
    return Event(float(number), "chat", Level.INFO, EventType.READY, f"event {number}", (), number)


def events(first: int, last: int) -> tuple[Event, ...]:
    return tuple(event(number) for number in range(first, last))


def numbers(book: EventBook) -> list[int]:
    return [round(one.ts) for one in book.rows]


def book_of(recent: tuple[Event, ...], sieve: EventSieve | None = None) -> EventBook:
    book = EventBook()
    book.take_recent(recent)
    book.sift(sieve or EventSieve())
    return book


def test_without_older_ones_it_holds_what_the_snapshot_holds() -> None:
    book = book_of(events(0, 5))
    assert book.take_recent(events(2, 7))
    assert numbers(book) == [2, 3, 4, 5, 6]
    assert book.total == 7


def test_the_same_events_are_no_news() -> None:
    book = book_of(events(0, 5))
    assert not book.take_recent(events(0, 5))


def test_older_ones_come_before_and_each_event_stands_once() -> None:
    book = book_of(tuple(replace(one, id=0) for one in events(5, 8)))  # not stored yet when they were shown
    book.take_older(OlderEvents(events(2, 8), reached=(2.0, 2), total=8))
    assert numbers(book) == [2, 3, 4, 5, 6, 7]
    book.take_older(OlderEvents(events(0, 3), reached=(0.0, 0), is_complete=True))
    assert numbers(book) == list(range(8))
    assert not book.can_grow
    assert book.total == 8


def test_what_falls_out_of_the_snapshot_stays_once_older_ones_were_read() -> None:
    book = book_of(events(5, 8))
    book.take_older(OlderEvents(events(0, 8), reached=(0.0, 0), is_complete=True, total=8))
    book.take_recent(events(7, 10))
    assert numbers(book) == list(range(10))
    assert book.total == 10
    book.forget_older()
    assert numbers(book) == [7, 8, 9]
    assert book.can_grow


def test_what_was_stored_between_snapshot_and_reading_stands_once_and_in_order() -> None:
    book = book_of(events(0, 3))
    book.take_older(OlderEvents(events(0, 5), reached=(0.0, 0)))
    book.take_recent(events(0, 6))
    assert numbers(book) == list(range(6))


def test_a_sieve_chooses_of_both() -> None:
    sieve = EventSieve(pattern=LogPattern("event [27]", is_regex=True))
    book = book_of(events(5, 8), sieve)
    assert numbers(book) == [7]
    book.take_older(OlderEvents((event(2),), reached=(0.0, 0), is_complete=True, total=8))
    assert numbers(book) == [2, 7]
    assert {one.id for one in book.known()} == {2, 5, 6, 7}


def test_there_is_a_bound_and_the_newest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widgets.event_book, "MOST_ROWS", 6)
    book = book_of(events(5, 8))
    book.take_older(OlderEvents(events(0, 8), reached=(0.0, 0), is_complete=True))
    assert numbers(book) == [2, 3, 4, 5, 6, 7]
    assert book.is_full
    assert not book.can_grow
    book.take_recent(events(6, 9))
    assert numbers(book) == [3, 4, 5, 6, 7, 8]


def test_an_event_is_found_by_what_it_says() -> None:
    book = book_of(events(0, 5))
    assert book.find(replace(event(3), id=0)) == 3
    assert book.find(event(9)) is None
