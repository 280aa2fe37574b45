"""The questions that the dashboard asks before it acts."""

from __future__ import annotations

from collections.abc import Sequence

from engine.snapshots import InstanceSnapshot, Snapshot, Status
from llama_orch_tui.exit_choice import ExitChoice
from llama_orch_tui.screens.choice import Choice, ChoiceScreen
from widgets.text import clean
from widgets.units import format_count

STOP_ANSWER = "stop"
MOST_NAMES = 8
"""More names than these are counted, not listed."""

_ALIVE = frozenset({Status.STARTING, Status.RUNNING, Status.STOPPING})


def running(snapshot: Snapshot) -> tuple[InstanceSnapshot, ...]:
    """The instances that have a process, or are about to."""
    return tuple(one for one in snapshot.instances if one.pid is not None or one.status in _ALIVE)


def stop_question(names: Sequence[str]) -> ChoiceScreen:
    """Whether to stop several models at once; answers `STOP_ANSWER` or None."""
    listed = ", ".join(clean(name) for name in names[:MOST_NAMES])
    rest = len(names) - MOST_NAMES
    text = f"{listed} and {rest} more" if rest > 0 else listed
    choices = [Choice(STOP_ANSWER, "x", f"Stop {format_count(len(names), 'model')}"), Choice("", "c", "Cancel")]
    return ChoiceScreen("Stop these models?", text, choices)


def quit_question(snapshot: Snapshot) -> ChoiceScreen:
    """How to leave while models run; answers a value of `ExitChoice`, or None."""
    count = len(running(snapshot))
    verb = "is" if count == 1 else "are"
    leave = "Leave them running" if count > 1 else "Leave it running"
    stop = "Stop them all" if count > 1 else "Stop it"
    choices = [
        Choice(ExitChoice.LEAVE.value, "l", leave, _who_watches(snapshot)),
        Choice(ExitChoice.STOP.value, "s", stop, "Requests in flight get the stop grace of each model."),
        Choice("", "c", "Cancel", "Back to the console."),
    ]
    return ChoiceScreen("Leave the console?", f"{format_count(count, 'model')} {verb} running.", choices)


def _who_watches(snapshot: Snapshot) -> str:
    if snapshot.is_leader or snapshot.leader is None:
        return "They go on serving; nobody restarts what crashes meanwhile."
    return f"The {snapshot.leader.kind.value} with pid {snapshot.leader.pid} goes on watching."
