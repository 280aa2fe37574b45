"""What reaches the supervisor's thread: everything that can change its mind."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from engine.config.file import LoadedConfig
from engine.config.schema import InstanceConfig
from engine.errors import EngineError
from engine.health.answers import ProbeResult
from engine.health.judge import Verdict
from engine.loads import Usage
from engine.process.records import Record
from engine.process.watcher import KeeperLine
from engine.reconciler import RestartRule
from engine.snapshots import Event, HostLoad, Level, Outcome, Request
from engine.supervision.exit_records import ExitRecord
from engine.supervision.reconciliation import Discrepancy
from engine.supervision.slot import LastEnd
from engine.supervision.starter import LockHeld, Started
from engine.telemetry.curve import MemoryPoint
from engine.telemetry.llama import Loads


@dataclass(frozen=True, slots=True)
class RequestFiled:
    """Somebody asks for an act."""

    request: Request
    future: Future[Outcome]


@dataclass(frozen=True, slots=True)
class ConfigRead:
    """The configuration file was read, anew or for the first time."""

    loaded: LoadedConfig


@dataclass(frozen=True, slots=True)
class KeeperSaid:
    """A keeper told something about its run."""

    name: str
    record: Record


@dataclass(frozen=True, slots=True)
class KeeperGone:
    """The connection to a run's keeper closed: the run has ended, or its keeper was killed."""

    name: str
    run_id: str


@dataclass(frozen=True, slots=True)
class StartDone:
    """A worker has started an instance, or could not."""

    name: str
    result: Started | LockHeld | EngineError


@dataclass(frozen=True, slots=True)
class OrphanCleared:
    """A worker has looked at what holds the lock of an instance whose keeper was silent."""

    name: str
    result: int | KeeperLine | EngineError
    """How many processes were killed, the keeper that answered after all, or why the lock is still held."""


@dataclass(frozen=True, slots=True)
class UnjudgedEnd:
    """An end that nobody asked for, with what was known of the instance at that moment."""

    name: str
    record: ExitRecord
    pid: int | None
    """None when nobody watched."""
    company: int
    """How many others ended shortly before."""
    rule: RestartRule
    health_detail: str
    usage: Usage | None
    memory: tuple[MemoryPoint, ...]
    restarts: int
    failures: int
    events: tuple[Event, ...]
    """What was told of it before, oldest first."""
    secrets: frozenset[str] = field(repr=False)
    """What its last words may repeat, to be hidden."""


@dataclass(frozen=True, slots=True)
class EndJudged:
    """A worker has found out why a run ended."""

    name: str
    ended: UnjudgedEnd
    last: LastEnd


@dataclass(frozen=True, slots=True)
class HealthJudged:
    """The prober has concluded something about a run."""

    name: str
    run_id: str
    verdict: Verdict
    result: ProbeResult | None


@dataclass(frozen=True, slots=True)
class Differs:
    """An instance was found otherwise than it was published to be."""

    discrepancy: Discrepancy


@dataclass(frozen=True, slots=True)
class Measured:
    """The meter has read what runs use."""

    usages: Mapping[str, Usage]
    host: HostLoad


@dataclass(frozen=True, slots=True)
class LoadsRead:
    """Live numbers of llama.cpp servers were read; who is not among them has none."""

    loads: Loads


@dataclass(frozen=True, slots=True)
class RunExamined:
    """A worker has looked at a run that this process did not start."""

    name: str
    run_id: str
    api_key: str = field(repr=False)
    """What it asks its clients for; empty when it wants none, or that cannot be known."""
    spec: InstanceConfig
    """What the file said."""
    is_like_it: bool
    """A start would execute the same command line now."""


@dataclass(frozen=True, slots=True)
class FaultTold:
    """A part of the engine meets a fault, or (empty message) is rid of it."""

    key: str
    message: str


@dataclass(frozen=True, slots=True)
class MetricsServed:
    """The exporter listens."""

    address: str
    warning: str
    """Who else can read them; empty when nobody can."""


@dataclass(frozen=True, slots=True)
class Yielding:
    """This engine gives up the lead."""

    words: str
    level: Level


@dataclass(frozen=True, slots=True)
class CloseAsked:
    """The engine is to end."""


Message = (
    RequestFiled
    | ConfigRead
    | KeeperSaid
    | KeeperGone
    | StartDone
    | OrphanCleared
    | EndJudged
    | HealthJudged
    | Differs
    | Measured
    | LoadsRead
    | RunExamined
    | FaultTold
    | MetricsServed
    | Yielding
    | CloseAsked
)
