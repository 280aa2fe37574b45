"""The leading engine: all parts put together in one process, for whoever holds the supervisor lock."""

from __future__ import annotations

import contextlib
import os
import queue
import sqlite3
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random

import psutil

from engine import wire
from engine.clock import Clock
from engine.config.file import LoadedConfig
from engine.config.watch import ConfigWatch
from engine.errors import ExitCode
from engine.health.monitor import HealthMonitor
from engine.leader_server import LeaderServer
from engine.loads import Usage
from engine.paths import Home
from engine.process import system
from engine.process.forking import Forks
from engine.process.ports import PortBook
from engine.process.program_version import ProgramVersions
from engine.process.records import write_record
from engine.process.watcher import KeeperWatcher
from engine.snapshots import (
    Act,
    Event,
    EventQuery,
    EventType,
    HostLoad,
    LeaderInfo,
    LeaderKind,
    Level,
    Outcome,
    Request,
    Snapshot,
    Target,
)
from engine.state.expiry import Expiry
from engine.state.store import Store, open_store
from engine.state.trouble import describe_damage, describe_trouble
from engine.state.writer import StateWriter
from engine.supervision.arrivals import want_autostart
from engine.supervision.desk import Desk
from engine.supervision.fleet import Fleet
from engine.supervision.journal import KEPT_EVENTS, Journal
from engine.supervision.kit import Kit
from engine.supervision.messages import (
    ConfigRead,
    Differs,
    FaultTold,
    HealthJudged,
    KeeperGone,
    KeeperSaid,
    LoadsRead,
    Measured,
    Message,
    MetricsServed,
    RequestFiled,
    StartDone,
    Yielding,
)
from engine.supervision.rounds import Rounds
from engine.supervision.starter import Started, Starter
from engine.supervision.supervisor import Mandate, Supervisor
from engine.supervision.takeover import Remembered
from engine.telemetry.exporter import Exporter
from engine.telemetry.interest import Interest
from engine.telemetry.meter import Meter
from engine.telemetry.prometheus import EngineCounts, build_page

WORKERS = 8
REQUEST_LIFE_S = 30.0
RECALL_LIMIT_S = 0.5
"""How long a locked database may hold up a take-over."""
IDLE_LIMIT_S = 10.0
"""How long a command that leads stays for what other commands have asked of it."""
STOP_MARGIN_S = 10.0
"""How much longer than the longest grace stopping everything may take."""


class LeadingEngine:
    """Supervises. The caller holds the supervisor lock for as long as this lives."""

    def __init__(
        self,
        home: Home,
        leader: LeaderInfo,
        publish: Callable[[Snapshot], None],
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        scope: frozenset[str] | None = None,
        is_demo: bool = False,
    ) -> None:
        """Take over.

        Raises:
            StateError: the database is damaged, or newer than this program; nothing was touched.
            OSError: the state folder cannot be made.
        """
        self._home = home
        self._clock = clock or Clock()
        self._publish = publish
        self._latest = Snapshot()
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._is_closed = False
        self._is_scoped = scope is not None
        system.make_private_dir(str(home.state_dir))
        system.make_private_dir(str(home.run_dir))
        remembered, decided = self._recall()
        self._make_parts(os.environ)
        kit, dirty = self._build_kit(is_demo=is_demo)
        self._supervisor = Supervisor(
            kit,
            Mandate(leader, scope),
            self._inbox,
            dirty,
            random or Random(),  # noqa: S311 - jitter
            self._announce,
        )
        self._server = LeaderServer(home.leader_socket, self, wire.Hello.of(leader), self.interest)
        self._begin(kit, leader, remembered, decided)

    def _make_parts(self, environ: Mapping[str, str]) -> None:
        """Everything with a thread of its own; each only ever posts into the supervisor's inbox."""
        post = self._inbox.put
        self._database = system.identify_file(str(self._home.state_file))
        self._writer = StateWriter(self._home.state_file, lambda message: post(FaultTold("state", message)))
        self._expiry = Expiry(self._home.state_file, self._clock, lambda message: post(FaultTold("expiry", message)))
        self._watcher = KeeperWatcher(
            lambda name, record: post(KeeperSaid(name, record)), lambda name, run: post(KeeperGone(name, run))
        )
        self._monitor = HealthMonitor(
            self._clock,
            lambda name, run, verdict, result: post(HealthJudged(name, run, verdict, result)),
            lambda message: post(FaultTold("health", message)),
            lambda loads: post(LoadsRead(loads)),
        )
        self.interest = Interest(lambda is_looking: self._monitor.look(is_looking=is_looking))
        """Who looks at live numbers, here or at a follower's."""
        self._rounds = Rounds(
            self._home,
            self.snapshot,
            lambda discrepancy: post(Differs(discrepancy)),
            lambda message: post(FaultTold("rounds", message)),
        )
        self._meter = Meter(self._take_usages)
        self._forks = Forks(self._home)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="engine-worker")
        self._config = ConfigWatch(self._home.config_file, environ, self._take_config)
        self._exporter = Exporter(
            lambda: build_page(self._latest, self._count()),
            lambda message: post(FaultTold("metrics", message)),
            lambda address, warning: post(MetricsServed(address, warning)),
        )

    def _recall(self) -> tuple[Remembered, dict[str, float]]:
        """What the database knows; a locked or unwritable one is no reason not to lead."""
        self._stored_events: tuple[Event, ...] = ()
        try:
            store = open_store(self._home.state_file, busy_timeout_s=RECALL_LIMIT_S, clock=self._clock)
            if store is None:
                return Remembered({}, {}), {}
            with contextlib.closing(store):
                self._settle(store)
                self._stored_events = store.read_events(EventQuery(limit=KEPT_EVENTS))
                remembered = Remembered(store.load_desired(), store.load_runtime(), store.load_deciders())
                return remembered, store.load_decision_times()
        except (sqlite3.OperationalError, OSError) as error:
            self._inbox.put(FaultTold("state", describe_trouble(self._home.state_file, error)))
            return Remembered({}, {}), {}
        except sqlite3.DatabaseError as error:
            raise describe_damage(self._home.state_file, error) from error

    def _settle(self, store: Store) -> None:
        """Close what a leader before us left half done: the facts tell what became of it, it is not repeated."""
        now = self._clock.wall()
        with contextlib.suppress(sqlite3.OperationalError), store.transaction():
            store.settle_requests("the leader ended before it was done", int(ExitCode.LEADER_TIMEOUT), now)

    def _build_kit(self, *, is_demo: bool) -> tuple[Kit, set[str]]:
        dirty: set[str] = set()
        fleet = Fleet()
        journal = Journal(self._writer, self._clock)
        journal.preload(self._stored_events)
        ports = PortBook()
        kit = Kit(
            home=self._home,
            clock=self._clock,
            fleet=fleet,
            desk=Desk(fleet, journal, self._writer, self._clock, dirty.add),
            journal=journal,
            writer=self._writer,
            expiry=self._expiry,
            starter=Starter(self._home, ports, os.environ, ProgramVersions(os.environ), self._forks, is_demo),
            ports=ports,
            watcher=self._watcher,
            monitor=self._monitor,
            meter=self._meter,
            pool=self._pool,
            post=self._inbox.put,
            stop=self._stop,
        )
        return kit, dirty

    def _begin(self, kit: Kit, leader: LeaderInfo, remembered: Remembered, decided: dict[str, float]) -> None:
        self._leader = leader
        self._writer.start()
        for part in (self._watcher, self._monitor, self._meter, self._expiry):
            part.start()
        kind = leader.kind.value
        self._supervisor.journal.tell(
            None, EventType.LED, f"{kind} (PID {leader.pid}) leads", Level.INFO, pid=leader.pid, kind=kind, who=kind
        )
        try:
            loaded = self._config.read()
            self._supervisor.apply_config(ConfigRead(loaded))
            self._set_metrics(loaded)
            self._supervisor.take_over(remembered)
            if leader.kind is not LeaderKind.CLI:
                want_autostart(kit, psutil.boot_time(), decided)
            _write_leader_record(self._home, leader)
            self._server.start()
        except OSError:
            self.close()  # a part of it runs already
            raise
        self._supervisor.start()
        self._rounds.start()
        self._config.start()
        self._exporter.start()

    def _take_usages(self, usages: Mapping[str, Usage], host: HostLoad) -> None:
        """What runs use was measured; on the meter's thread."""
        self._inbox.put(Measured(usages, host))
        self._monitor.note_work({name: usage.cpu_percent > 0 for name, usage in usages.items()})

    def _take_config(self, loaded: LoadedConfig) -> None:
        """A changed configuration was read; on the watch's thread."""
        self._inbox.put(ConfigRead(loaded))
        self._set_metrics(loaded)

    def _set_metrics(self, loaded: LoadedConfig) -> None:
        """What a faulty table says is not in force: the last good one is."""
        is_faulty = any(problem.key.startswith("[metrics]") for problem in loaded.problems)
        if loaded.readable and not is_faulty and not self._is_scoped:
            listen = loaded.config.metrics.listen
            self._exporter.set_address(listen)
            self.interest.note(self._exporter, is_looking=bool(listen))

    def _count(self) -> EngineCounts:
        return EngineCounts(self._supervisor.journal.told, self._writer.count_waiting(), self._server.count_clients())

    def may_go_on(self) -> bool:
        """True while socket and database are where everybody looks for them, and nobody newer asks to lead."""
        database = system.identify_file(str(self._home.state_file))
        self._database = self._database or database  # one that could not be made at first may come later
        return self.newer is None and database == self._database and self._server.is_in_place()

    def tidy_up(self) -> None:
        """Collect a fork server that was killed; write down again who leads: commands name the leader by it."""
        self._forks.collect()
        if not self._home.leader_record.exists():
            with contextlib.suppress(OSError):  # its folder is gone, too: whoever guards the files steps down then
                _write_leader_record(self._home, self._leader)

    def _announce(self, snapshot: Snapshot) -> None:
        self._latest = snapshot
        self._server.publish(snapshot)
        self._publish(snapshot)

    def look(self, *, is_looking: bool) -> None:
        """Say whether somebody looks at live numbers in this process."""
        self.interest.note(self, is_looking=is_looking)

    # -- asking

    def snapshot(self) -> Snapshot:
        """The newest published snapshot."""
        return self._latest

    def submit(self, act: Act, target: Target, who: str) -> Future[Outcome]:
        """Ask for an act."""
        now = self._clock.wall()
        return self.submit_request(Request(uuid.uuid4().hex, act, target, who, now, now + REQUEST_LIFE_S))

    def submit_request(self, request: Request) -> Future[Outcome]:
        """Ask for an act that already has an id."""
        future: Future[Outcome] = Future()
        if self._is_closed:
            future.set_result(_refuse_closed(request))
        else:
            self._inbox.put(RequestFiled(request, future))
        return future

    def reload_config(self) -> None:
        """Have the configuration file read now. Returns at once."""
        self._config.reload()

    def count_clients(self) -> int:
        """How many consoles and commands are connected."""
        return self._server.count_clients()

    def has_successor(self) -> bool:
        """True while somebody is connected who leads when this one goes."""
        return self._server.has_successor()

    # -- the end

    @property
    def newer(self) -> wire.Hello | None:
        """Who of a newer release has asked to lead; None while nobody has."""
        return self._server.newer

    def finish_what_is_asked(self, timeout_s: float) -> bool:
        """Wait until nobody waits for an answer; False when that takes longer than `timeout_s` seconds."""
        return self._supervisor.wait_until_idle(timeout_s)

    def tell_yielding(self, words: str, level: Level) -> None:
        """Tell why this engine gives up the lead; `close` comes next."""
        self._inbox.put(Yielding(words, level))

    def close(self, *, stop_instances: bool = False) -> None:
        """End every thread; the models run on unless `stop_instances`. Idempotent."""
        if self._is_closed:
            return
        if stop_instances:
            self._stop_everything()
        if self._is_scoped:
            self._supervisor.wait_until_idle(IDLE_LIMIT_S)
        self._is_closed = True
        self._config.close()
        self._rounds.close()
        self._stop.set()
        self._supervisor.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._forks.close()
        self._clear_inbox()
        self._server.close()  # after everybody's answer
        self._exporter.close()
        self._expiry.close()
        self._meter.close()
        self._monitor.close()
        self._watcher.close()
        self._writer.close()
        with contextlib.suppress(OSError):  # the folder may be gone; the lock alone proves who leads
            self._home.leader_record.unlink(missing_ok=True)

    def uncollected(self) -> frozenset[int]:
        """Children of this process that live on, or are zombies, after `close`."""
        return self._watcher.uncollected()

    def _clear_inbox(self) -> None:
        """Answer and let go of what came too late."""
        with contextlib.suppress(queue.Empty):
            while True:
                message = self._inbox.get_nowait()
                if isinstance(message, RequestFiled):
                    message.future.set_result(_refuse_closed(message.request))
                elif isinstance(message, Differs) and message.discrepancy.found.line:
                    message.discrepancy.found.line.connection.close()
                elif isinstance(message, StartDone) and isinstance(message.result, Started):
                    self._let_go(message.result)

    def _let_go(self, started: Started) -> None:
        """A run that was begun too late to be ours is the next leader's; its keeper is our child all the same."""
        if started.line is not None:
            started.line.connection.close()
        if started.keeper_child is not None:
            self._watcher.collect(started.keeper_child)

    def _stop_everything(self) -> None:
        future = self.submit(Act.STOP, Target(everything=True), "exit")
        with contextlib.suppress(TimeoutError):  # what did not end is left to its keeper, which has its orders
            future.result(timeout=REQUEST_LIFE_S + STOP_MARGIN_S)


def _write_leader_record(home: Home, leader: LeaderInfo) -> None:
    write_record(
        str(home.leader_record),
        [
            ("version", leader.version),
            ("pid", str(leader.pid)),
            ("kind", leader.kind.value),
            ("since", repr(leader.since)),
        ],
    )


def _refuse_closed(request: Request) -> Outcome:
    return Outcome(request.id, int(ExitCode.LEADER_TIMEOUT), "the supervisor has ended", is_untouched=True)
