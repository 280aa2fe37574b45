"""Which events the pane shows: those of some instances, and from some level on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.snapshots import Event, Level

LOUDER = (None, Level.WARNING, Level.ERROR)
"""What the level key goes through; None is everything."""
_LEVELS = list(Level)
_WORDS = {Level.WARNING: "warnings", Level.ERROR: "errors"}


@dataclass(frozen=True, slots=True)
class EventSieve:
    """A choice of events; everything, as it is made."""

    names: tuple[str, ...] = ()
    """Only these instances; none means all, and the supervisor's own."""
    least: Level | None = None
    """This level and the louder ones."""

    @property
    def is_open(self) -> bool:
        """True while nothing is held back."""
        return not self.names and self.least is None

    def next_level(self) -> EventSieve:
        """All, warnings and errors, errors, and all again."""
        return replace(self, least=LOUDER[(LOUDER.index(self.least) + 1) % len(LOUDER)])

    def passes(self, event: Event) -> bool:
        """True for an event that is shown."""
        if self.names and event.instance not in self.names:
            return False
        return self.least is None or _LEVELS.index(event.level) >= _LEVELS.index(self.least)

    def pick(self, events: Iterable[Event]) -> tuple[Event, ...]:
        """The events that are shown, in their order."""
        return tuple(one for one in events if self.passes(one))

    def describe(self) -> str:
        """For a title: ``chat · warnings``; empty while nothing is held back."""
        whose = (", ".join(self.names),) if self.names else ()
        return " · ".join([*whose, *([_WORDS[self.least]] if self.least else [])])
