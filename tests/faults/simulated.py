"""A supervisor without processes: the real decisions, notes, hands and desk, over a world that only pretends.

Nothing runs by itself. Messages lie in the inbox until `think`, workers do nothing until `work`, and time stands still
until it is moved, so that a test decides on every order of things.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from socket import socket
from threading import Event
from types import MethodType
from typing import cast

from engine.clock import Clock
from engine.config.file import LoadedConfig
from engine.config.schema import Config
from engine.errors import EngineError
from engine.health.judge import Verdict
from engine.health.monitor import HealthMonitor
from engine.paths import HOME_VARIABLE, Home, find_home
from engine.process.ports import PortBook
from engine.process.records import Record, get_value, write_record
from engine.process.watcher import KeeperLine, KeeperWatcher
from engine.snapshots import Act, Desired, Health, LeaderInfo, LeaderKind, Outcome, Request, Target
from engine.state.expiry import Expiry
from engine.state.store import RuntimeRow, Store
from engine.state.writer import StateWriter, Write
from engine.supervision import takeover
from engine.supervision.desk import Desk
from engine.supervision.fleet import Fleet
from engine.supervision.hands import Hands
from engine.supervision.journal import Journal
from engine.supervision.kit import Kit
from engine.supervision.messages import (
    ConfigRead,
    HealthJudged,
    KeeperGone,
    KeeperSaid,
    Message,
    OrphanCleared,
    RequestFiled,
)
from engine.supervision.starter import LockHeld, Started, Starter, StartOrder
from engine.supervision.supervisor import Mandate, Supervisor
from engine.telemetry.meter import Meter

Task = tuple[Callable[..., None], tuple[object, ...]]


@dataclass(slots=True)
class SimulatedTime:
    """Both clocks, moved by hand."""

    now: float = 1_000_000.0
    jumped_s: float = 0.0
    """How far the wall clock was set."""

    def clock(self) -> Clock:
        """A clock that tells it."""
        return Clock(wall=lambda: self.now + self.jumped_s, monotonic=lambda: self.now)


@dataclass(slots=True)
class SimulatedRun:
    """A run: its server, its keeper, and who hears the keeper."""

    name: str
    run_id: str
    number: int
    started_at: float
    intent: str = ""
    is_frozen: bool = False
    """Its keeper hears nothing now; orders wait."""
    waiting_order: str = ""
    has_keeper: bool = True
    """Else only a leftover of it lives, which holds the lock."""

    def greeting(self) -> Record:
        """What its keeper says of it."""
        return [
            ("event", "stopping" if self.intent else "running"),
            ("name", self.name),
            ("run", self.run_id),
            ("keeper_pid", f"1{self.number}"),
            ("pid", f"2{self.number}"),
            ("started_at", repr(self.started_at)),
            ("intent", self.intent),
            ("host", "127.0.0.1"),
            ("port", "8080"),
        ]


@dataclass(slots=True)
class Remembering:
    """The database: what outlives a leader. Meets the part of `Store` that a supervisor writes to."""

    desired: dict[str, Desired] = field(default_factory=dict)
    by_whom: dict[str, str] = field(default_factory=dict)
    runtime: dict[str, RuntimeRow] = field(default_factory=dict)

    def submit(self, write: Write) -> None:
        """Write at once."""
        write(cast("Store", self))

    def save_desired(self, name: str, desired: Desired, who: str, _: float) -> None:
        """Remember a wish."""
        self.desired[name], self.by_whom[name] = desired, who

    def save_runtime(self, row: RuntimeRow) -> None:
        """Remember where an instance is."""
        self.runtime[row.name] = row

    def flush(self, _: float) -> bool:
        """All is written already."""
        return True

    def save_request(self, *_: object) -> None:
        """Of no interest here, as the rest."""

    add_event = add_health = delete_older = save_request


class World:
    """Everything outside a supervisor. `fail` is told of whatever may never happen."""

    def __init__(self, folder: Path, configs: Mapping[str, Config]) -> None:
        self.home: Home = find_home({HOME_VARIABLE: str(folder)})
        self.home.run_dir.mkdir(parents=True)
        self.time = SimulatedTime()
        self.store = Remembering()
        self.configs = configs
        self.config = "good"
        self.runs: dict[str, SimulatedRun] = {}
        """What holds the lock of each name."""
        self.refusal: EngineError | None = None
        """What the next start meets."""
        self.dies_at_once = False
        """The next server ends before anybody can connect to its keeper."""
        self.environ: dict[str, str] = {}
        """Of the starter that this stands for."""
        self.count = 0
        self.tasks: list[Task] = []
        self.leader = SimulatedLeader(self)

    def loaded(self) -> LoadedConfig:
        """The configuration file as it is now."""
        is_readable = self.config != "unreadable"
        config = self.configs.get(self.config, Config())
        return LoadedConfig(self.home.config_file, exists=True, readable=is_readable, config=config)

    def change_leader(self) -> None:
        """The leader is killed, its workers with it, and another one takes over."""
        self.tasks.clear()
        self.leader = SimulatedLeader(self)

    # -- runs

    def start(self, order: StartOrder) -> Started | LockHeld:
        """What a worker does to start an instance."""
        held = self.runs.get(order.name)
        if held is not None:
            if not held.has_keeper or held.is_frozen:
                return LockHeld(order)
            return Started(order, held.greeting(), self.line(held), None, "", is_adopted=True)
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            raise refusal
        self.count += 1
        begun = self.time.now + self.time.jumped_s
        run = self.runs[order.name] = SimulatedRun(order.name, order.run_id, self.count, begun)
        if self.dies_at_once:
            self.dies_at_once = False
            self.end(run, 1)
            return Started(order, run.greeting(), None, None, "")
        return Started(order, run.greeting(), self.line(run), None, "")

    def line(self, run: SimulatedRun) -> KeeperLine:
        """A connection to a keeper."""
        return KeeperLine(run.name, run.run_id, cast("socket", None), run.greeting())

    def find(self, name: str, row: RuntimeRow | None) -> takeover.Found:
        """What a new leader finds of an instance."""
        run = self.runs.get(name)
        if run is None:
            return takeover.find_run(self.home, name, row, self.time.clock(), {})
        is_silent = run.is_frozen or not run.has_keeper
        return takeover.Found(None if is_silent else self.line(run), is_orphaned=is_silent, run_id=run.run_id)

    def end(self, run: SimulatedRun, code: int) -> None:
        """A server ends, and its keeper writes it down."""
        del self.runs[run.name]
        record = [
            ("run", run.run_id),
            ("started_at", repr(run.started_at)),
            ("ended_at", repr(self.time.now + self.time.jumped_s)),
            ("code", str(code)),
            ("intent", run.intent),
        ]
        write_record(str(self.home.exit_record(run.name)), record)
        self.leader.hang_up(run)

    def kill_keeper(self, run: SimulatedRun, *, leaves_something: bool) -> None:
        """Kill -9: the server dies with its keeper, but something it started may not."""
        run.has_keeper = False
        if not leaves_something:
            del self.runs[run.name]
        self.leader.hang_up(run)

    def order(self, run: SimulatedRun, intent: str) -> None:
        """A keeper is told to end its run."""
        if run.is_frozen:
            run.waiting_order = intent
        elif not run.intent:
            run.intent = intent
            self.leader.tell(run)

    def thaw(self, run: SimulatedRun) -> None:
        """A frozen keeper hears what it was told."""
        run.is_frozen = False
        if run.waiting_order:
            self.order(run, run.waiting_order)

    # -- workers

    def work(self, task: Task) -> None:
        """A worker does what it was told."""
        self.tasks.remove(task)
        act, arguments = task
        if isinstance(act, MethodType) and act.__func__ is Hands._clear:
            self._clear(str(arguments[0]))
        else:
            act(*arguments)

    def _clear(self, name: str) -> None:
        run = self.runs.get(name)
        if run is not None and run.has_keeper:
            self.thaw(run)  # a silent keeper is woken
            self.leader.inbox.put(OrphanCleared(name, self.line(run)))
        else:
            self.runs.pop(name, None)
            self.leader.inbox.put(OrphanCleared(name, 0 if run is None else 1))


class SimulatedLeader:
    """The real supervisor, put together with parts that belong to the world. Meets what `Kit` asks of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.heard: set[str] = set()
        """Runs whose keeper we are connected to."""
        self.asked: list[tuple[Request, Future[Outcome]]] = []
        clock = world.time.clock()
        writer = cast("StateWriter", world.store)
        dirty: set[str] = set()
        self.fleet = Fleet()
        journal = Journal(writer, clock)
        kit = Kit(
            home=world.home,
            clock=clock,
            fleet=self.fleet,
            desk=Desk(self.fleet, journal, writer, clock, dirty.add),
            journal=journal,
            writer=writer,
            expiry=cast("Expiry", Ignoring()),
            starter=cast("Starter", world),
            ports=PortBook(),
            watcher=cast("KeeperWatcher", self),
            monitor=cast("HealthMonitor", Ignoring()),
            meter=cast("Meter", Ignoring()),
            pool=cast("ThreadPoolExecutor", self),
            post=self.inbox.put,
            stop=Event(),
        )
        info = LeaderInfo(1, LeaderKind.DASHBOARD, 0.0, "0-test")
        self.supervisor = Supervisor(kit, Mandate(info), self.inbox, dirty, Random(1), lambda _: None)  # noqa: S311 - jitter
        self.journal = journal
        self.supervisor.apply_config(ConfigRead(world.loaded()))
        self._take_over(dirty)

    def _take_over(self, dirty: set[str]) -> None:
        """As `Supervisor.take_over`, with the world's word in place of locks and sockets."""
        store = self.world.store
        arrivals = self.supervisor._arrivals
        arrivals.remembered = takeover.Remembered(dict(store.desired), dict(store.runtime))
        for name in dict.fromkeys([*self.fleet.slots, *store.runtime]):
            arrivals.note(name, self.world.find(name, store.runtime.get(name)))
        dirty.update(self.fleet.slots)

    # -- what a test does

    def ask(self, act: Act, names: tuple[str, ...]) -> None:
        """File a request; it is heard at the next `think`."""
        now = self.world.time.clock().wall()
        request = Request(f"q{len(self.asked)}", act, Target(names), "test", now, now + 30.0)
        future: Future[Outcome] = Future()
        self.asked.append((request, future))
        self.inbox.put(RequestFiled(request, future))

    def think(self) -> list[Message]:
        """Hear all that lies there, in order, and decide; what was heard."""
        heard = []
        while not self.inbox.empty():
            heard.append(self.inbox.get_nowait())
            self.supervisor._handle(heard[-1])
        self.supervisor._decide_all()
        self.supervisor._desk.deliver()
        return heard

    def judge(self, name: str, health: Health) -> None:
        """A probe has concluded something about the present run."""
        run = self.world.runs.get(name)
        if run is not None and run.has_keeper:
            was_healthy = health is not Health.LOADING
            verdict = Verdict(health, was_healthy=was_healthy, detail="told so" if health is Health.UNHEALTHY else "")
            self.inbox.put(HealthJudged(name, run.run_id, verdict, None))

    def read_config(self) -> None:
        """The file is read again."""
        self.inbox.put(ConfigRead(self.world.loaded()))

    # -- what keepers do

    def hang_up(self, run: SimulatedRun) -> None:
        """The connection to a keeper closes."""
        if run.run_id in self.heard:
            self.heard.remove(run.run_id)
            self.inbox.put(KeeperGone(run.name, run.run_id))

    def tell(self, run: SimulatedRun) -> None:
        """A keeper says what it does."""
        if run.run_id in self.heard:
            self.inbox.put(KeeperSaid(run.name, run.greeting()))

    # -- watcher and pool, as the kit knows them

    def watch(self, line: KeeperLine, _: int | None = None) -> None:
        """Hear a keeper from now on; one that has gone meanwhile is heard to have gone."""
        self.heard.add(line.run_id)
        run = self.world.runs.get(line.name)
        if run is None or run.run_id != line.run_id or not run.has_keeper:
            self.heard.remove(line.run_id)
            self.inbox.put(KeeperGone(line.name, line.run_id))

    def send(self, name: str, record: Record) -> bool:
        """Give a keeper an order."""
        run = self.world.runs.get(name)
        if run is None or run.run_id not in self.heard:
            return False
        self.world.order(run, get_value(record, "intent"))
        return True

    def submit(self, act: Callable[..., None], *arguments: object) -> None:
        """Have a worker do something, some time."""
        if isinstance(act, MethodType) and act.__func__ is Hands._start:
            order = cast("StartOrder", arguments[0])
            slot = self.fleet.slots[order.name]
            assert slot.desired is Desired.RUNNING, f"{order.name}: started although it is not wanted"
            assert slot.run is None, f"{order.name}: started beside its own run"
            assert not any(task[1] == arguments for task in self.world.tasks), f"{order.name}: started twice"
        self.world.tasks.append((act, arguments))


class Ignoring:
    """Monitor, meter and expiry: they are told, and do nothing."""

    def watch(self, *_: object) -> None:
        """Nothing to do."""

    unwatch = note_progress = follow = watch
