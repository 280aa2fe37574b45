"""What the supervisor knows of one instance. Owned by the supervisor's thread alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.config.command import model_label
from engine.config.schema import InstanceConfig
from engine.health.backoff import BackoffPolicy
from engine.health.causes import Cause
from engine.health.flapping import FlapWatch
from engine.health.judge import Verdict
from engine.loads import LlamaLoad, Usage
from engine.process.records import Record, get_value
from engine.reconciler import EndFacts, Facts, Intent, RestartPolicy, RestartRule, RunFacts
from engine.snapshots import Desired, Health, InstanceSnapshot, MetaValue, State, Status
from engine.state.store import RuntimeRow
from engine.supervision.why import explain
from engine.telemetry.curve import MemoryCurve

DEFAULT_GRACE_S = 10.0
"""For a run whose table is gone."""
STOP_MARGIN_S = 10.0
"""How much longer than the grace a keeper may take to end its run before it is taken for silent."""
NOT_THE_RUNS_BUSINESS = {"healthcheck", "restart_policy", "tags", "autostart", "depends_on", "logs"}
"""Keys that are taken up without a restart (logs at the next one)."""


@dataclass(slots=True)
class Run:
    """A living run that is proven ours."""

    run_id: str
    pid: int
    keeper_pid: int
    host: str
    port: int | None
    started_at: float
    started_mono: float
    cmdline: str
    binary: str
    binary_version: str = ""
    is_stopping: bool = False
    end_due_mono: float | None = None
    """When a run that is stopping must have ended."""
    is_ready: bool = False
    spec: InstanceConfig | None = None
    """The configuration it was launched with; None for a found one until its command line is seen to be the same."""
    is_outdated: bool = False
    """A found run with another command line than the file asks for."""
    api_key: str = field(default="", repr=False)
    verdict: Verdict = field(default_factory=Verdict)
    """The newest one."""
    load: LlamaLoad | None = None
    """Its live numbers, while somebody looks."""

    def expect_end(self, now_mono: float, grace_s: float) -> None:
        """Its keeper was told to end it within `grace_s` seconds."""
        self.is_stopping = True
        self.end_due_mono = now_mono + grace_s + STOP_MARGIN_S

    def is_overdue(self, now_mono: float) -> bool:
        """True when its keeper should have ended it long since."""
        return self.end_due_mono is not None and now_mono >= self.end_due_mono


def build_run(greeting: Record, now_wall: float, now_mono: float) -> Run:
    """A run from what its keeper says of it."""
    started_at = float(get_value(greeting, "started_at", "0"))
    port = get_value(greeting, "port")
    return Run(
        run_id=get_value(greeting, "run"),
        pid=int(get_value(greeting, "pid", "0")),
        keeper_pid=int(get_value(greeting, "keeper_pid", "0")),
        host=get_value(greeting, "host"),
        port=int(port) if port else None,
        started_at=started_at,
        started_mono=now_mono - max(0.0, now_wall - started_at),
        cmdline=get_value(greeting, "shown"),
        binary=get_value(greeting, "binary"),
        binary_version=get_value(greeting, "binary_version"),
        is_stopping=bool(get_value(greeting, "intent")),
    )


@dataclass(slots=True)
class LastEnd:
    """The last end that was judged, for the screen and the database."""

    run_id: str = ""
    code: int | None = None
    signal: int | None = None
    error: str = ""
    """What happened and what to do about it, in one sentence; empty for an end that was asked for."""
    intent: Intent = Intent.NONE
    cause: Cause | None = None
    lines: tuple[str, ...] = ()
    """Its last words, a few."""
    report: str = ""
    """The path of its crash report; empty when there is none."""

    def build_meta(self) -> dict[str, MetaValue]:
        """What an event that tells of this end carries."""
        return {
            "run": self.run_id,
            "exit_code": self.code,
            "signal": self.signal,
            "intent": self.intent.value,
            "cause": self.cause.kind.value if self.cause else "",
            "hint": self.cause.hint if self.cause else "",
            "last_lines": self.lines,
            "report": self.report,
        }


@dataclass(slots=True)
class CheckRecord:
    """What is kept of the checks of an instance, over all its runs."""

    strip: tuple[Health, ...] = ()
    """What the last answers said, oldest first."""
    flaps: FlapWatch = field(default_factory=FlapWatch)
    is_flapping: bool = False
    latency_s: float | None = None
    """How long the last answer took."""
    sampled_mono: float = float("-inf")
    """When the health history last got a row."""


@dataclass(slots=True)
class Slot:
    """One instance."""

    name: str
    spec: InstanceConfig | None = None
    config_error: str = ""
    desired: Desired = Desired.STOPPED
    status: Status = Status.STOPPED
    health: Health = Health.UNKNOWN
    run: Run | None = None
    end: EndFacts | None = None
    is_busy: bool = False
    launching: str = ""
    """The run that a worker is about to execute: remembered before, so that a new leader knows it for ours."""
    is_orphaned: bool = False
    is_ending: bool = False
    """A worker is finding out why its last run ended; nothing is decided before."""
    unspoken: str = ""
    """Why the keeper of its run cannot be talked with; the run is left alone then."""
    wants_replacement: bool = False
    was_blocked: bool = False
    """Given up for want of a right configuration."""
    asked_by: str = ""
    """Who wanted what is wanted, for the event log: an operator's way in, ``autostart``, ``policy``."""
    undo_desired: Desired | None = None
    """What was wanted before the request under way: a refused start goes back to it."""
    failures: int = 0
    restarts: int = 0
    retry_mono: float | None = None
    last_port: int | None = None
    last: LastEnd = field(default_factory=LastEnd)
    last_health_ok_at: float | None = None
    health_detail: str = ""
    checks: CheckRecord = field(default_factory=CheckRecord)
    waits_for: tuple[str, ...] = ()
    usage: Usage | None = None
    memory: MemoryCurve = field(default_factory=MemoryCurve)
    """Of the present run."""

    @property
    def is_alive(self) -> bool:
        """True while a server of it runs, or is about to."""
        return self.run is not None or self.is_busy or self.is_ending or self.is_orphaned or bool(self.unspoken)

    @property
    def state(self) -> State:
        """The one word on the screen."""
        match self.status:
            case Status.STOPPED:
                return State.WAITING if self.waits_for else State.STOPPED
            case Status.RUNNING:
                return self._running_state()
            case _:
                return State(self.status.value)

    def _running_state(self) -> State:
        if self.health is Health.UNHEALTHY:
            return State.UNHEALTHY
        if self.run is not None and self.run.is_ready:
            return State.READY
        return State.WARMING if self.run is not None and self.run.verdict.is_warming else State.LOADING

    @property
    def health_note(self) -> str:
        """What an operator should know of a server that answers."""
        flaps = "its health comes and goes" if self.checks.is_flapping else ""
        note = self.run.verdict.note if self.run else ""
        return "; ".join(words for words in (flaps, note) if words)

    @property
    def grace_s(self) -> float:
        """How long its server may take to end."""
        return self.spec.stop_grace if self.spec else DEFAULT_GRACE_S

    @property
    def due_mono(self) -> float | None:
        """The moment at which there is something to decide although nothing has happened; None without one."""
        if self.status is Status.BACKOFF:
            return self.retry_mono
        return self.run.end_due_mono if self.run is not None and not self.is_busy else None

    @property
    def max_retries(self) -> int:
        """How many restarts in a row its policy allows."""
        return self.policy.max_retries

    @property
    def policy(self) -> RestartPolicy:
        """Its restart policy, as the decision wants it."""
        if self.spec is None:
            return RestartPolicy(rule=RestartRule.NEVER)
        table = self.spec.restart_policy
        return RestartPolicy(
            RestartRule(table.policy.value),
            table.max_retries,
            table.reset_after,
            BackoffPolicy(table.initial_delay, table.multiplier, table.max_delay, table.jitter),
        )

    def gather(self, now_mono: float, *, dependencies_ready: bool, has_live_dependents: bool, jitter: float) -> Facts:
        """The facts for the next decision."""
        run = self.run
        return Facts(
            status=self.status,
            is_busy=self.is_busy or self.is_ending,
            run=RunFacts(run.run_id, run.is_stopping, run.is_overdue(now_mono)) if run else None,
            is_orphaned=self.is_orphaned,
            end=self.end,
            health=self.health,
            wants_replacement=self.wants_replacement,
            failures=self.failures,
            retry_at=self.retry_mono,
            dependencies_ready=dependencies_ready,
            has_live_dependents=has_live_dependents,
            blocked=self.config_error if self.spec is None else "",
            was_blocked=self.was_blocked,
            jitter=jitter,
        )

    def build_row(self, now_wall: float, now_mono: float, log_dir: str) -> RuntimeRow:
        """What to remember of it."""
        run = self.run
        retry_at = None if self.retry_mono is None else now_wall + self.retry_mono - now_mono
        return RuntimeRow(
            name=self.name,
            run_id=run.run_id if run else self.launching,
            pid=run.pid if run else None,
            keeper_pid=run.keeper_pid if run else None,
            host=run.host if run else "",
            port=run.port if run else self.last_port,
            cmdline=run.cmdline if run else "",
            binary=run.binary if run else "",
            binary_version=run.binary_version if run else "",
            status=Status.STOPPED if self.was_blocked else self.status,
            health=self.health,
            started_at=run.started_at if run else None,
            last_seen_at=now_wall,
            last_health_ok_at=self.last_health_ok_at,
            restarts=self.restarts,
            failures=self.failures,
            retry_at=retry_at,
            last_exit_run=self.last.run_id,
            last_exit_code=self.last.code,
            last_exit_signal=self.last.signal,
            last_error=self.last.error,
            log_dir=log_dir,
        )

    def build_snapshot(self, now_wall: float, now_mono: float) -> InstanceSnapshot:
        """What may be seen of it."""
        run = self.run
        spec = self.spec
        fixed_port = spec.port if spec and isinstance(spec.port, int) else self.last_port
        seen = InstanceSnapshot(
            name=self.name,
            desired=self.desired,
            status=self.status,
            health=self.health,
            state=self.state,
            run_id=run.run_id if run else "",
            pid=run.pid if run else None,
            keeper_pid=run.keeper_pid if run else None,
            host=run.host if run else spec.host if spec else "",
            port=run.port if run else fixed_port,
            started_at=run.started_at if run else None,
            uptime_s=now_mono - run.started_mono if run else None,
            restarts=self.restarts,
            last_exit_code=self.last.code,
            last_exit_signal=self.last.signal,
            last_error=self.last.error,
            cpu_percent=self.usage.cpu_percent if self.usage and run else None,
            memory_bytes=self.usage.memory_bytes if self.usage and run else None,
            model=model_label(spec) if spec else "",
            tags=spec.tags if spec else (),
            retry_at=None if self.retry_mono is None else now_wall + self.retry_mono - now_mono,
            config_error=self.config_error,
            needs_restart=self.needs_restart(),
            binary=run.binary if run else "",
            binary_version=run.binary_version if run else "",
            progress=run.verdict.progress if run else None,
            first_token_s=run.verdict.first_token_s if run else None,
            health_strip=self.checks.strip,
            load=run.load if run else None,
            gpu_memory_bytes=self.usage.gpu_memory_bytes if self.usage and run else None,
            probe_s=self.checks.latency_s,
            depends_on=spec.depends_on if spec else (),
        )
        return explain(seen, self, now_wall)

    def needs_restart(self) -> bool:
        """True when the file has changed in a way that only a restart takes up."""
        if self.run is None or self.spec is None or self.run.spec is self.spec:
            return False
        if self.run.spec is None:
            return self.run.is_outdated
        return self.spec.model_dump(exclude=NOT_THE_RUNS_BUSINESS) != self.run.spec.model_dump(
            exclude=NOT_THE_RUNS_BUSINESS
        )
