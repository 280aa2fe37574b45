"""Taking note of what became of instances: starts, refusals, ends, words of their keepers.

Owned by the supervisor's thread. Nothing here decides what follows.
"""

from __future__ import annotations

from engine.config.command import binding_warning, find_api_key
from engine.config.redact import find_secrets
from engine.errors import EngineError, KeeperLostError, PortInUseError
from engine.health.judge import Verdict
from engine.process.records import Record, get_value, read_record
from engine.process.watcher import KeeperLine
from engine.reconciler import COMPANY_S, EndFacts, Intent
from engine.snapshots import Act, Desired, EventType, Health, Level, Status
from engine.supervision.crash_reports import REPORT_EVENTS
from engine.supervision.exit_records import ExitRecord, read_exit_record
from engine.supervision.inquest import Inquest
from engine.supervision.kit import Kit
from engine.supervision.likeness import is_as_configured
from engine.supervision.messages import EndJudged, RunExamined, UnjudgedEnd
from engine.supervision.slot import LastEnd, Run, Slot, build_run
from engine.supervision.starter import Started
from engine.supervision.watching import build_watch
from engine.supervision.why import describe_exit
from engine.telemetry.curve import MemoryCurve


class Notes:
    """Everything that is learned about instances."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._last_end_mono = float("-inf")
        self._company = 0
        self._inquest = Inquest(kit)

    def note_started(self, slot: Slot, started: Started) -> None:
        """A worker has executed a server."""
        slot.is_busy = False
        slot.launching = ""
        run = build_run(started.greeting, self._kit.clock.wall(), self._kit.clock.monotonic())
        run.spec = None if started.is_adopted else started.order.spec
        run.api_key = started.api_key
        self._begin(slot, run)
        where = f" on port {run.port}" if run.port else ""
        kind, word = (EventType.ADOPTED, "adopted") if started.is_adopted else (EventType.STARTED, "started")
        words, who = f"{word} as PID {run.pid}{where}", "policy" if slot.restarts else slot.asked_by
        self._kit.journal.tell(slot.name, kind, words, Level.INFO, pid=run.pid, run=run.run_id, port=run.port, who=who)
        if warning := binding_warning(run.host):
            self._kit.journal.tell(slot.name, EventType.STARTED, warning, Level.WARNING)
        if started.is_adopted:
            self.examine(slot)
        slot.undo_desired = None
        self._kit.desk.settle(slot.name, Act.START)
        if started.line is not None:
            self._kit.watcher.watch(started.line, started.keeper_child)
        else:
            if started.keeper_child is not None:
                self._kit.watcher.collect(started.keeper_child)
            self.note_gone(slot, run.run_id)
        self._kit.remember(slot)

    def note_refused(self, slot: Slot, error: EngineError) -> None:
        """A start was refused before anything was spawned, or failed at exec."""
        slot.is_busy = False
        slot.launching = ""
        reason = str(error).removeprefix(f"{slot.name}: ")  # whoever reads it sees the name beside it
        slot.last = LastEnd(slot.last.run_id, slot.last.code, slot.last.signal, reason)
        code, who = int(error.exit_code), "policy" if slot.restarts else slot.asked_by
        self._kit.journal.tell(slot.name, EventType.REFUSED, reason, Level.ERROR, exit_code=code, who=who)
        if slot.undo_desired is Desired.STOPPED:
            slot.desired = Desired.STOPPED
            self._kit.writer.save_desired(slot.name, Desired.STOPPED, "refused", self._kit.clock.wall())
            slot.status = Status.STOPPED
        else:
            is_permanent = not isinstance(error, PortInUseError | KeeperLostError)
            slot.last.code = slot.last.signal = None
            slot.end = EndFacts(None, 0.0, is_permanent=is_permanent)
        slot.undo_desired = None
        self._kit.desk.settle(slot.name, Act.START, error)
        self._kit.remember(slot)

    def adopt(self, slot: Slot, line: KeeperLine, health: Health) -> None:
        """A run was found alive, by its keeper's greeting."""
        run = build_run(line.greeting, self._kit.clock.wall(), self._kit.clock.monotonic())
        run.is_ready = health is Health.HEALTHY
        run.verdict = Verdict(health, was_healthy=run.is_ready)
        self._begin(slot, run)
        slot.health = health
        self._kit.journal.tell(
            slot.name, EventType.ADOPTED, f"found running as PID {run.pid}", Level.INFO, pid=run.pid, run=run.run_id
        )
        self._kit.watcher.watch(line)
        self.examine(slot)

    def note_unspoken(self, slot: Slot, why: str) -> None:
        """A run was found whose keeper cannot be talked with; empty when such a run has ended."""
        if why and why != slot.unspoken:
            self._kit.journal.tell(slot.name, EventType.FAULT, why, Level.ERROR)
        slot.unspoken = why
        slot.status = Status.FAILED if why else Status.STOPPED
        slot.last.error = why

    def examine(self, slot: Slot) -> None:
        """Have a run looked at that this process did not start: its API key, and whether it is as the file says."""
        run, spec = slot.run, slot.spec
        if run is None or spec is None or run.spec is not None:
            return
        setting, environ = self._kit.fleet.config.server.binary, self._kit.starter.environ

        def look() -> None:
            try:
                key = find_api_key(slot.name, spec, environ)
                is_like_it = is_as_configured(slot.name, run, spec, setting, environ)
            except EngineError:  # its next start says so; until then it is asked without a key
                return
            self._kit.post(RunExamined(slot.name, run.run_id, key, spec, is_like_it))

        self._kit.pool.submit(look)

    def note_examined(self, slot: Slot | None, found: RunExamined) -> None:
        """It is known what a run is like; ask it with its key from here on."""
        run = slot.run if slot is not None else None
        if slot is None or run is None or run.run_id != found.run_id:
            return
        run.is_outdated = not found.is_like_it
        run.spec = found.spec if found.is_like_it else None
        if found.api_key and not run.api_key:
            run.api_key = found.api_key
            self.rewatch(slot)

    def _begin(self, slot: Slot, run: Run) -> None:
        slot.run = run
        slot.end = None
        slot.is_orphaned = False
        slot.status = Status.STOPPING if run.is_stopping else Status.RUNNING
        if run.is_stopping:
            run.expect_end(self._kit.clock.monotonic(), slot.grace_s)
        slot.health = Health.LOADING
        slot.usage = None
        if run.port:
            slot.last_port = run.port
            self._kit.ports.note(slot.name, run.port)
        self._kit.meter.watch(slot.name, run.pid)
        if slot.spec is not None:
            self._kit.monitor.watch(slot.name, build_watch(slot.name, slot.spec, run))

    def note_gone(self, slot: Slot, run_id: str) -> None:
        """The connection to a run's keeper has closed."""
        run = slot.run
        if run is None or run.run_id != run_id:
            return
        record = read_exit_record(self._kit.home, slot.name)
        if record is None or record.run_id != run_id:
            # A killed keeper, whose server dies with it or keeps the lock, or one that only hung up: to be looked at.
            slot.is_orphaned = True
        else:
            self.note_end(slot, record, run)

    def note_end(self, slot: Slot, record: ExitRecord, run: Run | None) -> None:
        """A run has ended. Why is found out on a worker, unless it was asked to; what follows is decided then."""
        now = self._kit.clock.monotonic()
        self._company = self._company + 1 if now - self._last_end_mono <= COMPANY_S else 0
        self._last_end_mono = now
        pid = run.pid if run else None
        is_wanted = record.intent in (Intent.STOP, Intent.RESTART) or slot.desired is Desired.STOPPED
        unjudged = None if is_wanted else self._build_unjudged(slot, record, pid)
        slot.run = None
        slot.usage = None
        slot.memory = MemoryCurve()
        slot.health = Health.UNKNOWN
        self._kit.monitor.unwatch(slot.name)
        self._kit.meter.unwatch(slot.name)
        self._kit.ports.release(slot.name)
        if unjudged is None:
            slot.last = LastEnd(record.run_id, record.code, record.signal, intent=record.intent)
            slot.end = _build_end(record, slot.last, self._company)
            self._tell_end(slot, record, pid, slot.last, Level.INFO)
            return
        # Its run stays the one before until it is judged: a leader that dies meanwhile leaves it to the next one.
        slot.last = LastEnd(slot.last.run_id, record.code, record.signal, intent=record.intent)
        slot.status = Status.STOPPING
        slot.is_ending = True
        self._inquest.begin(unjudged)

    def _find_secrets(self, slot: Slot) -> frozenset[str]:
        """What a server may have repeated in its last words."""
        spec = slot.run.spec if slot.run and slot.run.spec else slot.spec
        if spec is None:
            return frozenset()
        keys = {"api_key": spec.api_key, "run_key": slot.run.api_key if slot.run else ""}
        argv = (*(spec.command or ()), *spec.args)
        return find_secrets(argv, {**self._kit.starter.environ, **spec.env, **keys})

    def _build_unjudged(self, slot: Slot, record: ExitRecord, pid: int | None) -> UnjudgedEnd:
        return UnjudgedEnd(
            slot.name,
            record,
            pid,
            self._company,
            slot.policy.rule,
            slot.health_detail,
            slot.usage,
            slot.memory.points,
            slot.restarts,
            slot.failures,
            tuple(event for event in self._kit.journal.recent if event.instance == slot.name)[-REPORT_EVENTS:],
            self._find_secrets(slot),
        )

    def note_judged(self, slot: Slot, message: EndJudged) -> None:
        """It is known why a run ended that nobody asked to end."""
        ended = message.ended
        slot.is_ending = False
        is_settled = slot.run is not None or slot.status is Status.FAILED  # another run was found, or all given up
        if slot.status is not Status.FAILED:
            slot.last = message.last
        self._tell_end(slot, ended.record, ended.pid, message.last, Level.ERROR)
        if not is_settled:
            slot.end = _build_end(ended.record, message.last, ended.company)

    def _tell_end(self, slot: Slot, record: ExitRecord, pid: int | None, last: LastEnd, level: Level) -> None:
        for words in record.gaps:
            self._kit.journal.tell(slot.name, EventType.GAP, words, Level.ERROR)
        how = describe_exit(record.code, record.signal) or "its keeper was killed"
        what = last.cause.message if last.cause else last.error or how
        told = f"PID {pid} ended: {what}" if pid else f"ended: {what}"
        self._kit.journal.tell(slot.name, EventType.EXITED, told, level, **last.build_meta())

    def note_cleared(self, slot: Slot, result: int | KeeperLine | EngineError) -> None:
        """A worker has heard a silent keeper after all, or cleared up after a dead one, or could not."""
        slot.is_busy = False
        slot.is_orphaned = False
        known = slot.run
        if isinstance(result, KeeperLine):
            if known is not None and known.run_id != result.run_id:
                self._note_lost(slot, known)
            self.adopt(slot, result, slot.health if known else Health.LOADING)
            if known is not None and slot.run is not None and known.run_id == slot.run.run_id:
                slot.run.spec, slot.run.api_key = known.spec, known.api_key  # of which its keeper knows nothing
                self.rewatch(slot)
            self._kit.desk.settle(slot.name, Act.START)
            self._kit.remember(slot)
            return
        if known is not None:
            self._note_lost(slot, known)
        elif isinstance(result, int):
            self._note_unseen(slot)
        if isinstance(result, EngineError):
            slot.end = None
            slot.status = Status.FAILED
            slot.last.error = str(result)
            self._kit.journal.tell(slot.name, EventType.FAILED, str(result), Level.ERROR)
            self._kit.desk.settle(slot.name, Act.START, result)
            self._kit.desk.settle(slot.name, Act.STOP, result)
        elif result:
            self._kit.journal.tell(slot.name, EventType.KILLED, f"{result} orphaned processes killed", Level.WARNING)
        self._kit.remember(slot)

    def _note_lost(self, slot: Slot, run: Run) -> None:
        """A run whose keeper went without a word has ended, as its exit record says if there is one."""
        record = read_exit_record(self._kit.home, slot.name)
        if record is None or record.run_id != run.run_id:
            record = ExitRecord(run.run_id, None, None, Intent.ORPHAN, run.started_at, self._kit.clock.wall())
        self.note_end(slot, record, run)

    def _note_unseen(self, slot: Slot) -> None:
        """The run that was cleared up after had its keeper killed while nobody led: its end is judged now."""
        try:
            run = read_record(str(self._kit.home.run_record(slot.name)))
        except OSError:
            return  # which run it was is not known
        run_id, now = get_value(run, "run"), self._kit.clock.wall()
        if not run_id or run_id == slot.last.run_id:
            return
        record = read_exit_record(self._kit.home, slot.name)
        if record is None or record.run_id != run_id:
            began = float(get_value(run, "started_at", repr(now)))
            record = ExitRecord(run_id, None, None, Intent.ORPHAN, began, now)
        self.note_end(slot, record, None)

    def note_said(self, slot: Slot, record: Record) -> None:
        """A keeper told something about its run."""
        run = slot.run
        if run is None or get_value(record, "run") != run.run_id:
            return
        match get_value(record, "event"):
            case "stopping" if not run.is_stopping:
                run.expect_end(self._kit.clock.monotonic(), slot.grace_s)
                slot.status = Status.STOPPING
                intent = get_value(record, "intent")
                self._kit.journal.tell(
                    slot.name, EventType.STOPPING, f"asked to end ({intent})", Level.WARNING, intent=intent
                )
            case "killing":
                self._kit.journal.tell(
                    slot.name, EventType.KILLED, f"PID {run.pid} outlived its grace: killed", Level.WARNING
                )
            case "gap":
                told = {key: value for key, value in record if key in ("stream", "reason")}
                dropped_bytes = int(get_value(record, "dropped_bytes", "0"))
                self._kit.journal.tell(
                    slot.name,
                    EventType.GAP,
                    get_value(record, "message"),
                    Level.ERROR if dropped_bytes else Level.WARNING,
                    dropped_bytes=dropped_bytes,
                    **told,
                )
            case "fault":
                self._kit.journal.tell(slot.name, EventType.FAULT, get_value(record, "message"), Level.ERROR)
            case _:
                return  # a greeting, or a word of a later version

    def note_progress(self, slot: Slot) -> None:
        """Its load was seen to go on."""
        self._kit.monitor.note_progress(slot.name)

    def take_config(self, slot: Slot) -> None:
        """Its table has changed: what needs no restart is taken up."""
        self.rewatch(slot)
        self.examine(slot)

    def rewatch(self, slot: Slot) -> None:
        """Its health check may have changed: ask by the new one."""
        if slot.run is not None and slot.spec is not None:
            self._kit.monitor.watch(slot.name, build_watch(slot.name, slot.spec, slot.run))


def _build_end(record: ExitRecord, last: LastEnd, company: int) -> EndFacts:
    return EndFacts(
        record.code,
        max(0.0, record.ended_at - record.started_at),
        record.intent,
        is_permanent=last.cause is not None and last.cause.is_permanent,
        company=company,
    )
