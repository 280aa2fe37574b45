"""The questions that the dashboard asks before it acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.plural import MOST_NAMES, format_count, format_names
from engine.profiles import Switch, plan_switch
from engine.snapshots import Act, Desired, EventType, InstanceSnapshot, Snapshot, Status
from llama_orch_tui.exit_choice import ExitChoice
from llama_orch_tui.leaving import is_watched_by_others
from llama_orch_tui.risks import Risk, describe_requests
from llama_orch_tui.screens.choice import Choice, ChoiceScreen
from llama_orch_tui.screens.table_acts import answer_keys
from widgets.text import clean, fit

_BACKGROUND = "A daemon goes on watching until there is nothing to do."
_UNWATCHED = "Nobody restarts what crashes meanwhile."

REMOVE_ANSWER = "remove"
MAKE_ANSWER = "make"
YES = "yes"
"""The answer that lets an act go on."""
MOST_LETTERS = 20
"""More profiles than these are chosen by the cursor."""
ALL_TYPES = "all"
MOST_NAME_CELLS = 48

_YES_KEYS = {Act.STOP: "x", Act.RESTART: "r", Act.PROFILE: "p", Act.START: "s"}
"""The key that asked, once more."""
_ALIVE = frozenset({Status.STARTING, Status.RUNNING, Status.STOPPING})


def running(snapshot: Snapshot) -> tuple[InstanceSnapshot, ...]:
    """The instances that have a process, or are about to."""
    return tuple(one for one in snapshot.instances if one.pid is not None or one.status in _ALIVE)


def risk_question(risk: Risk, key: str = "") -> ChoiceScreen:
    """Whether to end what runs, requests and dependents named; answers `YES`, or None or empty when not.

    `key` is the letter that says yes; empty means the act's own.
    """
    verb = "Restart" if risk.act is Act.RESTART else "Stop"
    them = "this model" if len(risk.ends) == 1 else "these models"
    lines = [_list(risk.names)]
    if risk.along:
        lines.append(f"Not chosen, but needs what stops: {_list(risk.along)}")
    lines += [f"{clean(one.name)}: {describe_requests(one)}" for one in risk.busy[:MOST_NAMES]]
    if len(risk.busy) > MOST_NAMES:
        lines.append(f"and {len(risk.busy) - MOST_NAMES} more with requests in flight")
    yes = Choice(YES, key or _YES_KEYS[risk.act], f"{verb} {format_count(len(risk.ends), 'model')}")
    return ChoiceScreen(f"{verb} {them}?", "\n".join(lines), [yes, Choice("", "c", "Cancel")])


def removal_question(one: InstanceSnapshot) -> ChoiceScreen:
    """Whether to take an instance out of the file; answers `REMOVE_ANSWER` or None."""
    name = clean(one.name)
    if one.pid is not None:
        text, label = f"It runs (PID {one.pid}, {one.state.value}).", f"Stop {name}, then remove it"
    elif one.desired is Desired.RUNNING:
        text, label = f"It is wanted running ({one.state.value}).", f"Stop {name}, then remove it"
    else:
        text, label = "It does not run.", f"Remove {name}"
    detail = "Out of the file; ^u puts it back. Logs and events stay."
    choices = [Choice(REMOVE_ANSWER, "r", label, detail), Choice("", "c", "Cancel")]
    return ChoiceScreen(f"Remove {name}?", text, choices, default="")


def file_question(path: str) -> ChoiceScreen:
    """Whether to make the configuration file; answers `MAKE_ANSWER` or None."""
    choices = [Choice(MAKE_ANSWER, "m", "Make it, with an example to change"), Choice("", "c", "Cancel")]
    return ChoiceScreen("There is no file yet", clean(path), choices)


def profile_question(snapshot: Snapshot) -> ChoiceScreen:
    """Which profile to use, with what each would start and stop; answers its name, or None."""
    switches = [(one.name, plan_switch(one, snapshot)) for one in snapshot.profiles]
    letters = answer_keys([clean(name) for name, _ in switches[:MOST_LETTERS]])
    keys = [*letters, *[""] * (len(switches) - len(letters))]
    choices = [
        Choice(name, key, _short(name) + (" · in use" if switch.is_done else ""), _describe_switch(switch))
        for (name, switch), key in zip(switches, keys, strict=True)
    ]
    another = next((name for name, switch in switches if not switch.is_done), None)
    return ChoiceScreen("Use a profile", "Its instances start; the rest stops first.", choices, default=another)


def type_question(known: Mapping[str, int], present: str) -> ChoiceScreen:
    """Which type of event to show, those first of which there are most; answers a type, "" for all, or None."""
    kinds = sorted(
        dict.fromkeys((*EventType, *known)), key=lambda kind: -known.get(kind, 0)
    )  # of as many: in the table's order
    labels = [f"{clean(kind)} · {known[kind]:,}" if kind in known else clean(kind) for kind in kinds]
    letters = answer_keys([ALL_TYPES, *map(clean, kinds[:MOST_LETTERS])])
    keys = [*letters, *[""] * (len(kinds) + 1 - len(letters))]
    answers = zip(("", *kinds), keys, (ALL_TYPES, *labels), strict=True)
    choices = [Choice(kind, key, label) for kind, key, label in answers]
    return ChoiceScreen("Events of one type", "With how many of them are here.", choices, default=present)


def _describe_switch(switch: Switch) -> str:
    parts = (("starts", switch.starts), ("stops", switch.stops))
    return " · ".join(f"{verb} {_list(names)}" for verb, names in parts if names) or "changes nothing"


def _short(name: str) -> str:
    """A name that leaves room for its key and `in use` in the line of an answer."""
    return fit(clean(name), MOST_NAME_CELLS).rstrip()


def _list(names: Sequence[str]) -> str:
    return format_names([clean(name) for name in names])


def quit_question(snapshot: Snapshot) -> ChoiceScreen:
    """How to leave while there is something to watch; answers a value of `ExitChoice`, or None.

    What the configuration says is the answer that enter gives.
    """
    count = len(running(snapshot))
    text = f"{format_count(count, 'model')} {'is' if count == 1 else 'are'} running."
    if not count:
        text = "Nothing runs at this moment; what is wanted is started again."
    is_watched = is_watched_by_others(snapshot)
    ways = [_leave_watched(snapshot, count)] if is_watched else _leave_unwatched(count)
    stop = Choice(
        ExitChoice.STOP.value,
        "s",
        "Stop it" if count == 1 else "Stop them all",
        "Requests in flight get the stop grace of each model.",
    )
    choices = [*ways, stop, Choice("", "c", "Cancel", "Back to the console.")]
    chosen = ExitChoice(snapshot.on_exit.value)
    if is_watched and chosen is ExitChoice.DAEMON:
        chosen = ExitChoice.LEAVE
    return ChoiceScreen("Leave the console?", text, choices, default=chosen.value)


def _leave_watched(snapshot: Snapshot, count: int) -> Choice:
    leader = snapshot.leader
    who = f"The {leader.kind.value} with PID {leader.pid} goes on watching." if leader else ""
    return Choice(ExitChoice.LEAVE.value, "l", "Leave it running" if count == 1 else "Leave them running", who)


def _leave_unwatched(count: int) -> list[Choice]:
    them = "it" if count == 1 else "them"
    return [
        Choice(ExitChoice.DAEMON.value, "b", f"Keep {them} supervised in the background", _BACKGROUND),
        Choice(ExitChoice.LEAVE.value, "l", f"Leave {them} running unwatched", _UNWATCHED),
    ]
