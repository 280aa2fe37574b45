"""What the supervisor works with: every part of the engine that it uses, in one hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from engine.clock import Clock
from engine.health.monitor import HealthMonitor
from engine.paths import Home
from engine.process.ports import PortBook
from engine.process.watcher import KeeperWatcher
from engine.state.expiry import Expiry
from engine.state.writer import StateWriter
from engine.supervision.desk import Desk
from engine.supervision.fleet import Fleet
from engine.supervision.journal import Journal
from engine.supervision.messages import Message
from engine.supervision.slot import Slot
from engine.supervision.starter import Starter
from engine.telemetry.meter import Meter


@dataclass(frozen=True, slots=True)
class Kit:
    """The parts; each says itself which thread owns it."""

    home: Home
    clock: Clock
    fleet: Fleet
    desk: Desk
    journal: Journal
    writer: StateWriter
    expiry: Expiry
    starter: Starter
    ports: PortBook
    watcher: KeeperWatcher
    monitor: HealthMonitor
    meter: Meter
    pool: ThreadPoolExecutor
    """The workers, for what may block."""
    post: Callable[[Message], None]
    """Puts a message into the supervisor's inbox."""
    stop: threading.Event
    """Set when the engine ends: workers give up waiting."""

    def remember(self, slot: Slot) -> None:
        """Have an instance's row written."""
        row = slot.build_row(self.clock.wall(), self.clock.monotonic(), str(self.home.instance_logs(slot.name)))
        self.writer.submit(lambda store: store.save_runtime(row))
