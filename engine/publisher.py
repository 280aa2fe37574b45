"""Publishing snapshots: the present is one attribute, the future goes to listeners."""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.snapshots import Snapshot

Listener = Callable[[Snapshot], None]


class Publisher:
    """Holds the newest snapshot. `publish` comes from one engine thread at a time; the rest from anywhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []
        self._snapshot = Snapshot()

    @property
    def snapshot(self) -> Snapshot:
        """The newest one."""
        return self._snapshot

    def publish(self, snapshot: Snapshot) -> None:
        """Make a snapshot the present one and tell the listeners, outside the lock."""
        with self._lock:
            self._snapshot = snapshot
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(snapshot)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` the present, then the future; returns the function that ends it."""
        with self._lock:
            self._listeners.append(listener)
            present = self._snapshot
        listener(present)

        def unsubscribe() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe
