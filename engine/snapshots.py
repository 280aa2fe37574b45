"""What leaves the engine: closed words and frozen data, safe to hand to any thread.

Standard library only, so that the keeper, the widgets and the tests can all speak it.
Times are seconds since the epoch (UTC) unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.habits import Confirm, Notify
from engine.loads import GpuLoad, LlamaLoad


class Desired(StrEnum):
    """What the operator wants of an instance."""

    RUNNING = "running"
    STOPPED = "stopped"


class Status(StrEnum):
    """Where an instance's run is in its life."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    BACKOFF = "backoff"
    """Ended unasked; the next try waits for its delay."""
    FAILED = "failed"
    """Given up, with a reason; only the operator starts it again."""


class Health(StrEnum):
    """What the last probes say of a running server."""

    UNKNOWN = "unknown"
    LOADING = "loading"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class State(StrEnum):
    """The one word on the screen, derived from desired, status and health."""

    STOPPED = "stopped"
    STARTING = "starting"
    WAITING = "waiting"
    """Wanted, and held back until what it depends on is ready."""
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    UNHEALTHY = "unhealthy"
    STOPPING = "stopping"
    BACKOFF = "backoff"
    FAILED = "failed"


class Level(StrEnum):
    """How loud an event is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class EventType(StrEnum):
    """What happened; the words of `events --json`, added to, never renamed."""

    REQUESTED = "requested"
    REFUSED = "refused"
    WAITING = "waiting"
    STARTED = "started"
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    UNHEALTHY = "unhealthy"
    RECOVERED = "recovered"
    FLAPPING = "flapping"
    """Its health comes and goes."""
    EXITED = "exited"
    RESTARTING = "restarting"
    FAILED = "failed"
    STOPPING = "stopping"
    STOPPED = "stopped"
    ADOPTED = "adopted"
    ORPHANED = "orphaned"
    KILLED = "killed"
    RECONFIGURED = "reconfigured"
    PROFILE = "profile"
    LED = "led"
    YIELDED = "yielded"
    GAP = "gap"
    FAULT = "fault"
    IMPORTED = "imported"


def parse_event_type(text: str) -> EventType | str:
    """The event type of this word; the word itself when it is none of ours."""
    try:
        return EventType(text)
    except ValueError:
        return text


class Act(StrEnum):
    """What can be asked of the leader."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    PROFILE = "profile"
    """Start a profile's instances, with what they depend on, and stop the rest."""


class LeaderKind(StrEnum):
    """What sort of process leads."""

    DASHBOARD = "dashboard"
    DAEMON = "daemon"
    CLI = "cli"


class OnExit(StrEnum):
    """What becomes of supervision when the dashboard closes."""

    DAEMON = "daemon"
    """A daemon in the background goes on."""
    LEAVE = "leave"
    """The models run on, and nobody watches."""
    STOP = "stop"
    """The models are stopped."""


class Stream(StrEnum):
    """Which of a server's outputs."""

    STDOUT = "stdout"
    STDERR = "stderr"
    BOTH = "both"
    """Merged by time of reading, ties stdout first."""


MetaValue = str | int | float | bool | None | tuple[str, ...]
"""What an event's meta may hold: plain values that JSON knows."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change of state: when, which instance, what, why and who asked."""

    ts: float
    instance: str | None
    """None when it concerns the supervisor itself."""
    level: Level
    type: EventType | str
    """Another word than ours only in an event that another program wrote, or a later version."""
    message: str
    meta: tuple[tuple[str, MetaValue], ...] = ()
    """Sorted pairs, for example ``("exit_code", 1)``."""
    id: int = 0
    """Row number in the event log; 0 until it is stored."""


@dataclass(frozen=True, slots=True)
class LeaderInfo:
    """Who acts."""

    pid: int
    kind: LeaderKind
    since: float
    version: str


@dataclass(frozen=True, slots=True)
class HostLoad:
    """The machine as a whole."""

    cpu_percent: float
    """0 to 100, over all cores."""
    memory_used_bytes: int
    memory_total_bytes: int
    gpus: tuple[GpuLoad, ...] = ()
    """In the driver's order; none where no driver tells."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that the operator should mend while supervision goes on (full disk, locked database, bad file)."""

    key: str
    """Stable name of the fault, one row each, for example ``config`` or ``state``."""
    message: str
    since: float


@dataclass(frozen=True, slots=True)
class InstanceSnapshot:
    """One instance, as the supervisor saw it."""

    name: str
    desired: Desired = Desired.STOPPED
    status: Status = Status.STOPPED
    health: Health = Health.UNKNOWN
    state: State = State.STOPPED
    run_id: str = ""
    """Names the run; empty while nothing runs."""
    pid: int | None = None
    """The server's PID; None while nothing runs."""
    keeper_pid: int | None = None
    host: str = ""
    port: int | None = None
    """None for a program without a port, and for ``auto`` before the first start."""
    started_at: float | None = None
    """When the current run was executed."""
    uptime_s: float | None = None
    """Age of the current run when the snapshot was taken."""
    restarts: int = 0
    """Automatic restarts since the operator's last start."""
    last_exit_code: int | None = None
    last_exit_signal: int | None = None
    last_error: str = ""
    cpu_percent: float | None = None
    """Of the whole tree; 100 is one core."""
    memory_bytes: int | None = None
    """Resident memory of the whole tree."""
    model: str = ""
    """Short label: file name without folder, ``owner/repo:quant``, or the program's name."""
    tags: tuple[str, ...] = ()
    why: str = ""
    """One sentence, always current, for a person who asks why it is in this state."""
    retry_at: float | None = None
    """When the next automatic start is due, while in backoff."""
    config_error: str = ""
    """Why this instance's table in the file is not in force; empty when it is."""
    needs_restart: bool = False
    """The file changed in a way that only a restart takes up."""
    binary: str = ""
    """The program that runs; empty while nothing does."""
    binary_version: str = ""
    """What that program says of its version; empty when it says nothing."""
    progress: float | None = None
    """Share of the model that is loaded, 0 to 1; None when it is not known, or nothing loads."""
    first_token_s: float | None = None
    """How long the warm-up's token took in this run; None without a warm-up."""
    health_strip: tuple[Health, ...] = ()
    """What the last checks said each by itself, oldest first (a bounded number), over restarts."""
    load: LlamaLoad | None = None
    """Live numbers of a llama.cpp server; None while nobody looks at them, or for any other server."""
    gpu_memory_bytes: int | None = None
    """Memory of the whole tree on all GPUs; None where no GPU tells."""
    probe_s: float | None = None
    """How long the last check took, over restarts; None before the first."""
    depends_on: tuple[str, ...] = ()
    """What must be ready before it starts, as the file says it; it stops before any of them stops."""


@dataclass(frozen=True, slots=True)
class ProfileSnapshot:
    """A named set of instances, as the file says it."""

    name: str
    instances: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    """These and all that they depend on, what is depended on first."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything on the screen, at one moment; instances in the file's order."""

    seq: int = 0
    """Grows with every publication of one leader."""
    taken_at: float = 0.0
    leader: LeaderInfo | None = None
    is_leader: bool = False
    """True in the process that acts, False in one that follows."""
    instances: tuple[InstanceSnapshot, ...] = ()
    events: tuple[Event, ...] = ()
    """The most recent events, oldest first (a bounded number)."""
    host: HostLoad | None = None
    faults: tuple[Fault, ...] = ()
    config_path: str = ""
    config_exists: bool = True
    """False on a first run: no file yet."""
    on_exit: OnExit = OnExit.DAEMON
    """What the configuration says about closing the dashboard."""
    confirm: Confirm = Confirm.RISKY
    """Before which acts the console asks."""
    notify: Notify = Notify.OFF
    """How it calls for the operator when an instance gets into trouble."""
    has_title: bool = True
    """The terminal's title tells how things are."""
    keys: tuple[tuple[str, str], ...] = ()
    """`[keys]` of the configuration: actions of the console and their keys."""
    profiles: tuple[ProfileSnapshot, ...] = ()
    """In the file's order."""

    def find(self, name: str) -> InstanceSnapshot | None:
        """The instance of this name, or None."""
        return next((one for one in self.instances if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Target:
    """Which instances an act concerns: names, or one of the wider sets."""

    names: tuple[str, ...] = ()
    everything: bool = False
    unhealthy: bool = False
    """Whatever is unhealthy or failed when the leader carries it out."""
    tag: str = ""
    profile: str = ""
    """For `Act.PROFILE` alone."""


@dataclass(frozen=True, slots=True)
class Request:
    """One wish of an operator; the id makes carrying it out twice impossible."""

    id: str
    act: Act
    target: Target
    who: str
    """For the event log, for example ``dashboard`` or ``cli``."""
    created_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: executed or definitely refused, not yet ready."""

    request_id: str
    exit_code: int
    message: str
    """One sentence for a person; every refusal on a line of its own."""
    changed: tuple[str, ...] = ()
    """Instances that the request really changed."""
    is_untouched: bool = False
    """True when nobody took it up, so that it may be asked again of the next leader."""


EventPlace = tuple[float, int]
"""Where an event stands in the event log: its moment and its number."""


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which stored events to read; the newest ``limit`` that match, given oldest first."""

    instance: str | None = None
    since: float | None = None
    until: float | None = None
    before: EventPlace | None = None
    """Only what stands before this place: the page that follows one that begins there."""
    level: Level | None = None
    """This level and the louder ones."""
    type: EventType | str | None = None
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log, text as it may be printed: control characters made harmless."""

    text: str
    stream: Stream
    ts: float | None = None
    """When the keeper read it; None where no index says so."""
    offset: int = 0
    """Byte offset of the line's start in its stream, counted from the oldest kept byte."""
    is_gap: bool = False
    """A place where bytes were dropped; ``text`` says how many."""
    name: str = ""
    """The instance, in a log that merges several."""


@dataclass(frozen=True, slots=True)
class CrashText:
    """A crash report as it was written, secrets already taken out of it."""

    path: str
    lines: tuple[str, ...]
