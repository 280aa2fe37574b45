"""Reading stored events backwards, page by page, for the event pane and for what it saves: on a worker thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from engine.log_asking import LogPattern
from engine.protocol import Engine
from engine.snapshots import Event, EventPlace, EventQuery
from widgets.event_book import OlderEvents
from widgets.event_sieve import EventSieve, shown_text

PAGE = 500
"""Events read at once, and how many that pass are enough for one reading."""
MOST_PAGES = 40
"""One reading looks at so many pages, then answers with what it has."""
FEW_NAMES = 8
"""So many instances are asked for one by one; more are picked from everybody's events."""


@dataclass(frozen=True, slots=True)
class ReadingOrder:
    """What is wanted of the event log."""

    sieve: EventSieve
    before: EventPlace | None = None
    """Where to go back from; None is the newest."""
    goal: LogPattern | None = None
    """Go back until this is found; None: until there is a page of events."""


def read_older(engine: Engine, order: ReadingOrder, is_cancelled: Callable[[], bool]) -> OlderEvents:
    """The stored events that pass, from `order.before` backwards.

    Raises:
        StateError: the database cannot be read.
    """
    total = engine.count_events() if order.before is None else None
    passes = order.sieve.tester()
    find = order.goal.compiled().search if order.goal is not None else None
    found: deque[Event] = deque()
    reached = order.before
    for number, page in enumerate(iter_pages_back(engine, order.sieve, order.before), 1):
        fitting = [one for one in page if passes(one)]
        found.extendleft(reversed(fitting))
        reached = place_of(page[0])
        is_enough = len(found) >= PAGE if find is None else any(find(shown_text(one)) for one in fitting)
        if is_enough or number >= MOST_PAGES or is_cancelled():
            return OlderEvents(tuple(found), reached, is_complete=False, total=total)
    return OlderEvents(tuple(found), reached, is_complete=True, total=total)


def iter_pages_back(engine: Engine, sieve: EventSieve, before: EventPlace | None) -> Iterator[tuple[Event, ...]]:
    """Pages of stored events that may pass, the newest page first, each with its oldest event first, none twice.

    Raises:
        StateError: the database cannot be read.
    """
    while page := _read_page(engine, sieve, before):
        yield page
        if len(page) < PAGE:
            return
        before = place_of(page[0])


def place_of(event: Event) -> EventPlace:
    """Where a stored event stands."""
    return (event.ts, event.id)


def _read_page(engine: Engine, sieve: EventSieve, before: EventPlace | None) -> tuple[Event, ...]:
    query = EventQuery(before=before, level=sieve.least, type=sieve.type, limit=PAGE)
    if not 0 < len(sieve.names) <= FEW_NAMES:
        return engine.read_events(query)
    pages = [engine.read_events(replace(query, instance=name)) for name in sieve.names]
    return tuple(sorted((one for page in pages for one in page), key=place_of))[-PAGE:]
