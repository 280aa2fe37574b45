"""What becomes of supervision when the dashboard closes, or its process is suspended.

A daemon takes over before the lead is let go: it stands by, and leads the moment the lock comes free. Whatever goes
wrong on the way is said, and the models run on.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from engine.errors import DaemonError, EngineError, ExitCode
from engine.paths import Home
from engine.snapshots import LeaderKind, OnExit, Snapshot, State, Status
from llama_orch_tui.exit_choice import ExitChoice

if TYPE_CHECKING:
    from llama_orch_tui.opening import OpeningEngine

IDLE_LIMIT_S = 60
"""A daemon that was only handed the lead ends when there has been nothing to do for so long."""
ASIDE_LIMIT_S = 10.0
"""How long letting go of the lead may take before a suspension is given up."""
_TENDED = frozenset({Status.STARTING, Status.RUNNING, Status.STOPPING, Status.BACKOFF})


@dataclass(frozen=True, slots=True)
class Handed:
    """A daemon takes over."""

    pid: int | None


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """There is nothing to watch, or somebody else watches already, or will at once."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No daemon could be started."""

    reason: str


HandOver = Handed | NotNeeded | Refused


def is_tended(snapshot: Snapshot) -> bool:
    """True while some instance runs, or is to be started again: then it matters who watches."""
    return any(one.pid is not None or one.status in _TENDED or one.state is State.WAITING for one in snapshot.instances)


def is_watched_by_others(snapshot: Snapshot) -> bool:
    """True while another process leads that stays: a command leads only until it is done."""
    leader = snapshot.leader
    return not snapshot.is_leader and leader is not None and leader.kind is not LeaderKind.CLI


def hand_over(home: Home, engine: OpeningEngine) -> HandOver:
    """See that somebody watches when this process goes: start a daemon unless that is not needed.

    The lead itself is still held: the caller lets go of it. Takes about a second.
    """
    snapshot = engine.snapshot()
    if not is_tended(snapshot) or is_watched_by_others(snapshot) or engine.has_successor():
        return NotNeeded()
    from llama_orch_tui.daemon_control import start_in_background  # noqa: PLC0415 - for this moment only

    try:
        found = start_in_background(home, "--end-when-idle", str(IDLE_LIMIT_S))
    except DaemonError as error:
        return NotNeeded() if error.exit_code is ExitCode.DAEMON_ALREADY_RUNNING else Refused(str(error))
    except (EngineError, OSError) as error:
        return Refused(str(error))
    return Handed(found.pid)


def leave(home: Home, engine: OpeningEngine, choice: ExitChoice | None) -> str:
    """Carry out how the dashboard was left (None: its terminal went, or it broke down); what to tell the operator.

    Ends the engine.
    """
    plan = choice or ExitChoice(engine.snapshot().on_exit.value)
    words = ""
    match plan:
        case ExitChoice.DAEMON:
            words = _describe(hand_over(home, engine))
        case ExitChoice.LEAVE | ExitChoice.STOP | ExitChoice.DEMO:
            pass
        case _:
            assert_never(plan)
    engine.close(stop_instances=plan is ExitChoice.STOP)
    return words


def _describe(handed: HandOver) -> str:
    match handed:
        case Handed():
            return (
                f"The daemon (PID {handed.pid}) goes on watching; `llama-orch-tui` opens the dashboard again, "
                "`llama-orch-tui daemon stop` ends the watch."
            )
        case NotNeeded():
            return ""
        case Refused():
            return f"The models run on, and nobody watches them: {handed.reason}"
        case _:
            assert_never(handed)


class Suspension:
    """What goes before and after `ctrl+z`: a process that stands still must not hold the lead."""

    def __init__(self, home: Home, engine: OpeningEngine) -> None:
        self._home = home
        self._engine = engine

    def prepare(self) -> str:
        """Let go of the lead, handed to a daemon unless the configuration says to leave; why not, when it cannot be.

        Takes about a second: for a worker thread.
        """
        if self._engine.snapshot().on_exit is not OnExit.LEAVE:
            handed = hand_over(self._home, self._engine)
            if isinstance(handed, Refused):
                return f'{handed.reason}\n[dashboard] on_exit = "leave" suspends without a daemon.'
        if self._engine.stand_aside(ASIDE_LIMIT_S):
            return ""
        self._engine.step_back()
        return f"the engine has not let go of the lead within {ASIDE_LIMIT_S:g} s; try again"

    def end(self) -> None:
        """Lead or follow again."""
        self._engine.step_back()


def outlive_hang_ups(hear: Callable[[int], None]) -> None:
    """From here on no signal of a closing terminal cuts the leave-taking short. A child does not inherit that.

    `hear` is told the number: what starts still may have to end at once, and what ends already goes on in good order.
    """
    for name in ("SIGHUP", "SIGTERM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _frame: hear(number))
