"""Which events the pane shows: those of some instances, from some level on, of one type, with a text in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from engine.log_asking import LogPattern
from engine.snapshots import Event, EventType, Level
from widgets.text import clean

LOUDER = (None, Level.WARNING, Level.ERROR)
"""What the level key goes through; None is everything."""
SUPERVISOR = "–"
"""Stands for the supervisor itself where an instance's name would be."""
_LEVELS = list(Level)
_WORDS = {Level.WARNING: "warnings, errors", Level.ERROR: "errors"}


@dataclass(frozen=True, slots=True)
class EventSieve:
    """A choice of events; everything, as it is made."""

    names: tuple[str, ...] = ()
    """Only these instances; none means all, and the supervisor's own."""
    least: Level | None = None
    """This level and the louder ones."""
    type: EventType | str | None = None
    """Only this type."""
    pattern: LogPattern | None = None
    """Only events in which this is found, as they are shown: instance, type and message."""

    @property
    def is_open(self) -> bool:
        """True while nothing is held back."""
        return self == EventSieve()

    def next_level(self) -> EventSieve:
        """All, warnings and errors, errors, and all again."""
        return replace(self, least=LOUDER[(LOUDER.index(self.least) + 1) % len(LOUDER)])

    def tester(self) -> Callable[[Event], bool]:
        """What says of an event whether it is shown.

        Raises:
            UsageError: the pattern is no regular expression.
        """
        least = 0 if self.least is None else _LEVELS.index(self.least)
        find = self.pattern.compiled().search if self.pattern is not None else None

        def passes(event: Event) -> bool:
            if (self.names and event.instance not in self.names) or self.type not in (None, event.type):
                return False
            return (not least or _LEVELS.index(event.level) >= least) and (
                find is None or find(shown_text(event)) is not None
            )

        return passes

    def pick(self, events: Iterable[Event]) -> tuple[Event, ...]:
        """The events that are shown, in their order."""
        return tuple(filter(self.tester(), events))

    def describe(self) -> str:
        """For a title: ``chat · errors · exited``; empty while nothing is held back."""
        parts = [", ".join(self.names), _WORDS.get(self.least, "") if self.least else "", str(self.type or "")]
        if self.pattern is not None:
            parts.append(f"filter {self.pattern.text}")
        return " · ".join(part for part in parts if part)


def shown_text(event: Event) -> str:
    """An event as it is read on the screen, without its time: what a text is looked for in."""
    return f"{clean(event.instance or SUPERVISOR)} {clean(event.type)} {clean(event.message)}"
