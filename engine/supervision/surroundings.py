"""What concerns no single instance: faults, the load of the machine, the configuration file.

Owned by the supervisor's thread.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import assert_never

from engine.clock import Clock
from engine.config.file import LoadedConfig
from engine.paths import Home
from engine.snapshots import EventType, Fault, HostLoad, Level
from engine.supervision.journal import Journal
from engine.supervision.messages import FaultTold, MetricsServed


class Surroundings:
    """Everything a snapshot says beside its instances."""

    def __init__(self, home: Home, clock: Clock, journal: Journal) -> None:
        self._clock = clock
        self._journal = journal
        self._faults: dict[str, Fault] = {}
        self.host: HostLoad | None = None
        self.config_path = str(home.config_file)
        self.config_exists = True

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong now, the oldest first."""
        return tuple(self._faults.values())

    def note_fault(self, key: str, message: str) -> None:
        """Something is wrong, or mended when `message` is empty; told once, in the event log too."""
        if message:
            self._faults[key] = Fault(key, message, self._clock.wall())
            self._journal.tell(None, EventType.FAULT, message, Level.ERROR, fault=key)
        elif self._faults.pop(key, None) is not None:
            self._journal.tell(None, EventType.FAULT, f"{key}: mended", Level.INFO, fault=key)

    def note_told(self, message: FaultTold | MetricsServed) -> None:
        """A part of the engine tells how it is."""
        match message:
            case FaultTold():
                self.note_fault(message.key, message.message)
            case MetricsServed():
                self.note_metrics(message.address, message.warning)
            case _:
                assert_never(message)

    def note_metrics(self, address: str, warning: str) -> None:
        """The exporter listens."""
        self._journal.tell(None, EventType.STARTED, f"metrics on http://{address}/metrics", Level.INFO)
        if warning:
            self._journal.tell(None, EventType.STARTED, warning, Level.WARNING)

    def note_mistake(self, what: str, error: Exception) -> None:
        """The supervisor itself went wrong: said with where it happened, so that it can be reported and mended."""
        frames = traceback.extract_tb(error.__traceback__)
        where = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
        message = f"a mistake in the supervisor, {what}: {error!r}; it goes on, please report this"
        self._faults["supervisor"] = Fault("supervisor", message, self._clock.wall())
        self._journal.tell(None, EventType.FAULT, message, Level.ERROR, fault="supervisor", where=tuple(where))

    def note_config(self, loaded: LoadedConfig) -> None:
        """The configuration file has been read."""
        self.config_exists = loaded.exists
        self.config_path = str(loaded.path)
        problems = "\n".join(str(problem) for problem in loaded.problems)
        known = self._faults.get("config")
        if problems != (known.message if known else ""):
            self.note_fault("config", problems)

    def explain_missing(self) -> str:
        """Why an instance that runs has no configuration."""
        fault = self._faults.get("config")
        return f"configuration unreadable: {fault.message}" if fault else "its table is not in the file"
