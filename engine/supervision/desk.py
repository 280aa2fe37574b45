"""The desk: takes requests, sets what is wanted, and answers when that is done or refused.

Owned by the supervisor's thread. A request is answered at exec or a definite refusal (start, restart), or at the end
of the run (stop); readiness is somebody else's question.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

from engine.clock import Clock
from engine.errors import AlreadyRunningError, ConfigError, EngineError, ExitCode, KeeperVersionError, NotRunningError
from engine.plural import format_names
from engine.snapshots import Act, Desired, EventType, Level, Outcome, Request, Status, Target
from engine.state.writer import StateWriter
from engine.supervision.fleet import Fleet
from engine.supervision.journal import Journal
from engine.supervision.slot import Slot

FLUSH_LIMIT_S = 0.5
"""How long a decision waits to be on disk before it is acted upon; a database that refuses does not keep it longer."""
SNAPSHOTS_SHARE = 4
"""The snapshots for answers take one part in so many of the time: many may ask for one instance of hundreds each."""


_DONE = {Act.STOP: "stopped", Act.START: "started", Act.RESTART: "restarted"}


@dataclass(slots=True)
class _Pending:
    request: Request
    future: Future[Outcome]
    waiting: dict[str, Act] = field(default_factory=dict)
    """Whose part is not done yet, and what it is: start, stop or restart."""
    changed: dict[str, Act] = field(default_factory=dict)
    refusals: list[EngineError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Desk:
    """Requests under way. `mark` is called with every name whose wishes changed."""

    def __init__(
        self, fleet: Fleet, journal: Journal, writer: StateWriter, clock: Clock, mark: Callable[[str], None]
    ) -> None:
        self._fleet = fleet
        self._journal = journal
        self._writer = writer
        self._clock = clock
        self._mark = mark
        self._pending: list[_Pending] = []
        self._answers: list[tuple[Future[Outcome], Outcome]] = []
        self._answers_mono = float("-inf")

    def accept(self, request: Request, future: Future[Outcome]) -> None:
        """Take up one request."""
        self._writer.submit(lambda store: store.save_request(request, None, self._clock.wall()))
        pending = _Pending(request, future)
        try:
            wishes = self._choose(pending)
        except EngineError as error:
            pending.refusals.append(error)
            self._tell_refusal(request, error)
            self._answer(pending)
            return
        self._pending.append(pending)
        for name, act in wishes.items():
            slot = self._fleet.slots[name]
            if slot.unspoken:
                pending.refusals.append(KeeperVersionError(slot.unspoken))
            else:
                self._wish(slot, act, request.who, pending)
        if request.act is Act.PROFILE:
            self._make_room(request, wishes)
            pending.notes += [] if wishes else [f"{request.target.profile}: in use already"]
        else:
            self._tell_wishes(request, dict(pending.waiting))
        self._writer.flush(FLUSH_LIMIT_S)
        self._answer_if_done(pending)

    def settle(self, name: str, act: Act, refusal: EngineError | None = None, note: str = "") -> None:
        """What was asked of an instance is done, or (with `refusal`) will not be, or (with `note`) takes its course.

        `act` is STOP when it rests now, START when it was executed or could not be: that answers restarts, too.
        """
        for pending in list(self._pending):
            asked = pending.waiting.get(name)
            if asked is None or (asked is Act.STOP) != (act is Act.STOP):
                continue
            del pending.waiting[name]
            if refusal is not None:
                pending.refusals.append(refusal)
            else:
                pending.changed[name] = asked
                note = note or self._note_last_good(name, asked)
            if note:
                pending.notes.append(f"{name}: {note}")
            self._answer_if_done(pending)

    def _note_last_good(self, name: str, act: Act) -> str:
        """That a start took the last good table, for the one in the file is wrong; empty when it is right."""
        slot = self._fleet.slots.get(name)
        if act is Act.STOP or slot is None or not slot.config_error:
            return ""
        return f"{_DONE[act]} as it was last configured, for now it is wrong: {slot.config_error}"

    def overrule(self, name: str, act: Act) -> None:
        """Answer those who wait for the opposite of what somebody has asked since."""
        for pending in list(self._pending):
            asked = pending.waiting.get(name)
            if asked is not None and (asked is Act.STOP) != (act is Act.STOP):
                del pending.waiting[name]
                pending.notes.append(f"{name}: overruled by a later {act.value}")
                self._answer_if_done(pending)

    def expire(self, now: float) -> None:
        """Answer what has waited too long."""
        for pending in list(self._pending):
            if pending.request.expires_at <= now:
                names = ", ".join(sorted(pending.waiting))
                pending.notes.append(f"{names}: {pending.request.act.value} is under way, not done yet")
                pending.waiting.clear()
                self._answer_if_done(pending, late=True)

    def next_expiry(self) -> float | None:
        """When `expire` is due (wall clock)."""
        return min((pending.request.expires_at for pending in self._pending), default=None)

    def is_idle(self) -> bool:
        """True while nobody waits for an answer."""
        return not self._pending and not self._answers

    def has_asked(self, name: str) -> bool:
        """True while somebody waits for this instance's start."""
        return any(one.waiting.get(name, Act.STOP) is not Act.STOP for one in self._pending)

    def next_answers(self) -> float | None:
        """From when on there are answers to `deliver` (monotonic seconds); None while there are none."""
        return self._answers_mono if self._answers else None

    def deliver(self, took_s: float = 0.0) -> None:
        """Tell the answers to those who asked: after the snapshot that shows what came of it, for they look next.

        That snapshot took `took_s` seconds; the next answers wait accordingly.
        """
        self._answers_mono = self._clock.monotonic() + (SNAPSHOTS_SHARE - 1) * took_s
        answers, self._answers = self._answers, []
        for future, outcome in answers:
            with contextlib.suppress(InvalidStateError):  # whoever asked has gone, and cancelled it
                future.set_result(outcome)

    def close(self) -> None:
        """Answer everybody who still waits: the engine ends."""
        for pending in list(self._pending):
            pending.notes.append("the supervisor ended before it was done; what is wanted is written down")
            pending.waiting.clear()
            self._answer_if_done(pending, late=True)

    # -- choosing

    def _choose(self, pending: _Pending) -> dict[str, Act]:
        """The instances a request concerns, dependencies or dependents included, and what each is to do.

        What the configuration freezes is refused alone where there are others.

        Raises:
            EngineError: the request as a whole is refused.
        """
        request = pending.request
        if request.act is Act.PROFILE:
            return self._choose_switch(request.target.profile)
        return dict.fromkeys(self._choose_names(request, pending.refusals), request.act)

    def _choose_switch(self, name: str) -> dict[str, Act]:
        """What a profile changes; its instances are refused together or not at all."""
        needed = self._fleet.find_profile(name).needed
        slots = [self._fleet.slots[one] for one in needed]
        _refuse_unconfigured(slots)
        stops = [slot for slot in self._fleet if slot.name not in needed and not _rests(slot)]
        starts = [slot for slot in slots if not _runs(slot)]
        return {slot.name: Act.STOP for slot in stops} | {slot.name: Act.START for slot in starts}

    def _choose_names(self, request: Request, refusals: list[EngineError]) -> list[str]:
        names = self._fleet.resolve(request.target)
        is_wide = request.target != Target(names=request.target.names)
        if request.act is Act.STOP:
            names = self._fleet.with_dependents(names)
            open_ones = [name for name in names if not _rests(self._fleet.slots[name])]
            if not open_ones and not is_wide:
                raise NotRunningError(f"{', '.join(names)}: not running")
            return open_ones
        if is_wide and request.act is Act.RESTART:
            names = [name for name in names if self._fleet.slots[name].desired is Desired.RUNNING]
        names = self._leave_out_unconfigured(names, refusals, request.who)
        needed = self._fleet.with_dependencies(names)
        if request.act is Act.RESTART:
            return [name for name in needed if name in names or not _runs(self._fleet.slots[name])]
        names = needed
        open_ones = [name for name in names if not _runs(self._fleet.slots[name])]
        if not open_ones and not is_wide:
            raise AlreadyRunningError(f"{', '.join(request.target.names)}: already running")
        return open_ones

    def _leave_out_unconfigured(self, names: list[str], refusals: list[EngineError], who: str) -> list[str]:
        slots = [self._fleet.slots[name] for name in names]
        configured = [slot.name for slot in slots if slot.spec is not None]
        if not configured:
            _refuse_unconfigured(slots)
        for slot in slots:
            if slot.spec is None:
                refusals.append(_frozen(slot))
                self._journal.tell(slot.name, EventType.REFUSED, str(refusals[-1]), Level.WARNING, who=who)
        return configured

    def _wish(self, slot: Slot, act: Act, who: str, pending: _Pending) -> None:
        """Set what is wanted of one instance."""
        self.overrule(slot.name, act)
        wanted = Desired.STOPPED if act is Act.STOP else Desired.RUNNING
        if slot.undo_desired is None or act is Act.STOP:
            slot.undo_desired = None if act is Act.STOP else slot.desired
        slot.desired = wanted
        slot.asked_by = who
        name = slot.name
        self._fleet.room.pop(name, None)
        self._writer.save_desired(name, wanted, who, self._clock.wall())
        if act is Act.STOP:
            slot.wants_replacement = False
            if not slot.is_alive and slot.status is Status.STOPPED:
                slot.status = Status.STOPPING  # before its start was begun: resting is decided, told and answered, too
        else:
            slot.failures = slot.restarts = 0
            slot.retry_mono = None
            # A start that is asked for while an end is judged comes after it, whatever its cause turns out to be.
            slot.wants_replacement = slot.is_ending or (act is Act.RESTART and slot.run is not None)
            if slot.status in (Status.FAILED, Status.BACKOFF):
                slot.status = Status.STOPPED
        pending.waiting[name] = act
        self._mark(name)

    def _tell_wishes(self, request: Request, wishes: Mapping[str, Act]) -> None:
        """One event for each instance."""
        who = request.who
        for name, act in wishes.items():
            self._journal.tell(name, EventType.REQUESTED, f"{act.value} asked for by {who}", Level.INFO, who=who)

    def _tell_refusal(self, request: Request, error: EngineError) -> None:
        """One event for each instance that was named and exists; one for the request where there is none."""
        named = [name for name in dict.fromkeys(request.target.names) if name in self._fleet.slots]
        for name in named or (None,):
            self._journal.tell(name, EventType.REFUSED, str(error), Level.WARNING, who=request.who)

    def _make_room(self, request: Request, wishes: Mapping[str, Act]) -> None:
        """One event for the whole switch; what starts waits until what stops has given its memory back."""
        stops = tuple(name for name, act in wishes.items() if act is Act.STOP)
        starts = tuple(name for name, act in wishes.items() if act is not Act.STOP)
        self._fleet.room |= dict.fromkeys(starts, stops)
        parts = [f"{verb} {', '.join(names)}" for verb, names in (("starts", starts), ("stops", stops)) if names]
        name, who = request.target.profile, request.who
        self._journal.tell(
            None,
            EventType.PROFILE,
            f"profile {name} asked for by {who}: {'; '.join(parts) or 'in use already'}",
            Level.INFO,
            who=who,
            profile=name,
            starts=starts,
            stops=stops,
        )

    # -- answering

    def _answer_if_done(self, pending: _Pending, *, late: bool = False) -> None:
        if pending.waiting or pending not in self._pending:
            return
        self._pending.remove(pending)
        self._answer(pending, late=late)

    def _answer(self, pending: _Pending, *, late: bool = False) -> None:
        request = pending.request
        code = pending.refusals[0].exit_code if pending.refusals else ExitCode.OK
        if late and not pending.refusals:
            code = ExitCode.STOP_FAILED if request.act is Act.STOP else ExitCode.LEADER_TIMEOUT
        lines = [str(refusal) for refusal in pending.refusals] + pending.notes
        noted = [note.partition(":")[0] for note in pending.notes]
        for act, word in _DONE.items():
            if plain := [name for name, done in pending.changed.items() if done is act and name not in noted]:
                lines.append(f"{format_names(plain)}: {word}")
        outcome = Outcome(request.id, int(code), "\n".join(lines) or "nothing to do", tuple(pending.changed))
        now = self._clock.wall()
        self._writer.submit(lambda store: store.save_request(request, outcome, now))
        self._answers.append((pending.future, outcome))


def _refuse_unconfigured(slots: Iterable[Slot]) -> None:
    for slot in slots:
        if slot.spec is None:
            raise _frozen(slot)


def _frozen(slot: Slot) -> ConfigError:
    return ConfigError(slot.config_error or f"{slot.name}: not in the configuration")


def _rests(slot: Slot) -> bool:
    return slot.desired is Desired.STOPPED and not slot.is_alive and slot.status is Status.STOPPED


def _runs(slot: Slot) -> bool:
    is_up = slot.status in (Status.STARTING, Status.RUNNING)
    return slot.desired is Desired.RUNNING and is_up and not slot.wants_replacement
