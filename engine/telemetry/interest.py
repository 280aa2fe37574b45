"""Who looks at live numbers: they are read only while somebody does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable


class Interest:
    """Counts the lookers, each by a name of its own. Every method may be called from any thread."""

    def __init__(self, on_change: Callable[[bool], None]) -> None:
        """`on_change` is told when the first one comes and when the last one goes; it must return at once."""
        self._on_change = on_change
        self._lock = threading.Lock()
        self._lookers: set[Hashable] = set()

    def note(self, looker: Hashable, *, is_looking: bool) -> None:
        """Somebody looks, or looks no more; saying it twice changes nothing."""
        with self._lock:  # held while telling, or two changes could be told in the wrong order
            before = bool(self._lookers)
            if is_looking:
                self._lookers.add(looker)
            else:
                self._lookers.discard(looker)
            if bool(self._lookers) != before:
                self._on_change(bool(self._lookers))
