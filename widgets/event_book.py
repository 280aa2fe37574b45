"""The events that a pane knows: the newest, as they come, and the older ones that were read from the event log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.snapshots import Event, EventPlace
from widgets.event_sieve import EventSieve

MOST_ROWS = 5000
"""More than anybody scrolls through; a narrower filter shows what lies before."""

EventKey = tuple[float, str | None, str, str]


def key_of(event: Event) -> EventKey:
    """What makes an event the same one: its number comes only with its storing."""
    return (event.ts, event.instance, str(event.type), event.message)


@dataclass(frozen=True, slots=True)
class OlderEvents:
    """What one reading of the event log has found."""

    events: tuple[Event, ...] = ()
    """Oldest first; those that pass the sieve."""
    reached: EventPlace | None = None
    """Everything from this place on has been looked at; the next reading goes on from here."""
    is_complete: bool = False
    """True when nothing older is stored."""
    total: int | None = None
    """How many events are stored in all; None when it was not counted."""


class EventBook:
    """Holds what is shown. Owned by the UI thread."""

    def __init__(self) -> None:
        self.sieve = EventSieve()
        self.rows: tuple[Event, ...] = ()
        """What passes the sieve, oldest first."""
        self.total = 0
        """Of how many events these were chosen, as far as it is known."""
        self.is_complete = False
        """True when no older event is stored."""
        self.reached: EventPlace | None = None
        """How far back the event log has been read; None before the first reading."""
        self._recent: tuple[Event, ...] = ()
        self._known: set[EventKey] = set()
        self._passes = self.sieve.tester()

    @property
    def is_full(self) -> bool:
        """True when older events find no room."""
        return len(self.rows) >= MOST_ROWS

    @property
    def can_grow(self) -> bool:
        """True while there may be older events to read."""
        return not self.is_complete and not self.is_full

    def sift(self, sieve: EventSieve) -> None:
        """Hold back something else from here on; what was read for the sieve before is forgotten.

        Raises:
            UsageError: its pattern is no regular expression; nothing is changed then.
        """
        self._passes = sieve.tester()
        self.sieve = sieve
        self.forget_older()

    def forget_older(self) -> None:
        """Know only the newest again."""
        self.reached, self.is_complete = None, False
        self._show_recent()

    def take_recent(self, recent: tuple[Event, ...]) -> bool:
        """The newest events, as a snapshot has them; False when they are the same ones."""
        if recent is self._recent or recent == self._recent:
            return False
        fresh = [one for one in recent if key_of(one) not in self._known]
        self._recent = recent
        self.total = max(self.total + len(fresh), len(recent))
        if self.reached is None and not self.is_complete:
            self._show_recent()
            return True
        self._known.update(map(key_of, fresh))
        rows = _sorted((*self.rows, *filter(self._passes, fresh)))
        if len(rows) > MOST_ROWS:
            self.is_complete = False
        self._show(rows[-MOST_ROWS:])
        return True

    def take_older(self, older: OlderEvents) -> None:
        """What was read from the event log, some of it perhaps known."""
        fresh = [one for one in older.events if key_of(one) not in self._known]
        self._known.update(map(key_of, fresh))
        self.reached, self.is_complete = older.reached, older.is_complete
        if older.total is not None:
            self.total = max(older.total, len(self._recent))
        rows = _sorted((*fresh, *self.rows))
        if len(rows) > MOST_ROWS:
            self.is_complete = False
        self._show(rows[-MOST_ROWS:])

    def known(self) -> tuple[Event, ...]:
        """The newest, whatever the sieve, and what is shown."""
        return self._recent if self.reached is None else (*self.rows, *self._held_back())

    def find(self, event: Event) -> int | None:
        """The row of an event; None when it is not shown."""
        key = key_of(event)
        return next((row for row, one in enumerate(self.rows) if one.ts == event.ts and key_of(one) == key), None)

    def _held_back(self) -> Iterable[Event]:
        return (one for one in self._recent if not self._passes(one))

    def _show_recent(self) -> None:
        self._known = set(map(key_of, self._recent))
        self.rows = tuple(filter(self._passes, self._recent))

    def _show(self, rows: tuple[Event, ...]) -> None:
        self.rows = rows
        if len(self._known) > 4 * MOST_ROWS:
            self._known = {*map(key_of, self._recent), *map(key_of, rows)}


def _sorted(events: Iterable[Event]) -> tuple[Event, ...]:
    """By time; what is of one moment stays in its order."""
    return tuple(sorted(events, key=lambda one: one.ts))
