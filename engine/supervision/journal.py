"""The event log as the supervisor writes it: a bounded memory for the screen, and the database behind it."""

from __future__ import annotations

from collections import deque

from engine.clock import Clock
from engine.snapshots import Event, EventType, Level, MetaValue
from engine.state.writer import StateWriter

KEPT_EVENTS = 500
"""Events that a snapshot carries; older ones are read from the database."""


class Journal:
    """Owned by the supervisor's thread."""

    def __init__(self, writer: StateWriter, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self._recent: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self._tuple: tuple[Event, ...] | None = ()
        self.told = 0
        """How many events were recorded since it began; may be read from any thread."""

    @property
    def recent(self) -> tuple[Event, ...]:
        """The newest events, oldest first; the same tuple until there is another event."""
        if self._tuple is None:
            self._tuple = tuple(self._recent)
        return self._tuple

    def preload(self, events: tuple[Event, ...]) -> None:
        """Begin with what is stored already."""
        self._recent.extendleft(reversed(events))
        self._tuple = None

    def tell(
        self, instance: str | None, event_type: EventType, message: str, level: Level, /, **meta: MetaValue
    ) -> None:
        """Record an event, now."""
        event = Event(self._clock.wall(), instance, level, event_type, message, tuple(sorted(meta.items())))
        self._recent.append(event)
        self.told += 1
        self._tuple = None
        self._writer.submit(lambda store: store.add_event(event))
