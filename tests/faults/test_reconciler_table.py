"""Every state × every event of the decision, row by row: a row or a column that is missing fails.

A state is what is wanted and where the instance is; an event is what the supervisor may find when it decides.
"""

from __future__ import annotations

import itertools
from dataclasses import fields
from typing import get_args

import pytest

from engine.reconciler import (
    Action,
    AskToStop,
    BackOff,
    BecomeStopped,
    ClearOrphan,
    EndFacts,
    Facts,
    GiveUp,
    HoldBack,
    Intent,
    Launch,
    RestartPolicy,
    RestartRule,
    RunFacts,
    Wait,
    decide,
)
from engine.snapshots import Desired, Health, Status

NOW = 1000.0
FILE_FAULT = "its table is wrong"

ACTIONS: dict[str, type[Action] | Action] = {
    "wait": Wait(),
    "wait+": Wait(NOW + 5),
    "launch": Launch(),
    "again": Launch(is_automatic=True),
    "stop": AskToStop(Intent.STOP),
    "replace": AskToStop(Intent.RESTART),
    "heal": AskToStop(Intent.UNHEALTHY),
    "clear": ClearOrphan(),
    "rest": BecomeStopped(),
    "leave": BecomeStopped(by_policy=True),
    "hold": HoldBack(),
    "backoff": BackOff,
    "fail": GiveUp,
}
"""The words of the table; a type where only the kind of action is fixed by state and event."""


def young(code: int | None, intent: Intent = Intent.NONE) -> EndFacts:
    """The end of a run that was not stable yet."""
    return EndFacts(code, 5.0, intent)


RUN = RunFacts("r1")
EVENTS: dict[str, Facts] = {
    "nothing has happened": Facts(),
    "its retry is due": Facts(retry_at=NOW),
    "its retry is not due": Facts(retry_at=NOW + 5),
    "dependency not ready": Facts(dependencies_ready=False),
    "its table is broken": Facts(blocked=FILE_FAULT),
    "its table was broken": Facts(was_blocked=True),
    "its table broke again": Facts(was_blocked=True, blocked=FILE_FAULT),
    "a worker is at it": Facts(is_busy=True),
    "keeper silent": Facts(is_orphaned=True),
    "keeper silent, end known": Facts(is_orphaned=True, end=young(None, Intent.ORPHAN)),
    "runs, health unknown": Facts(run=RUN),
    "runs, loading": Facts(run=RUN, health=Health.LOADING),
    "runs, healthy": Facts(run=RUN, health=Health.HEALTHY),
    "runs, unhealthy": Facts(run=RUN, health=Health.UNHEALTHY),
    "runs, restart asked": Facts(run=RUN, wants_replacement=True),
    "runs, dependents live": Facts(run=RUN, has_live_dependents=True),
    "runs, table broken": Facts(run=RUN, blocked=FILE_FAULT),
    "runs, asked to end": Facts(run=RunFacts("r1", is_stopping=True)),
    "runs, overdue": Facts(run=RunFacts("r1", is_stopping=True, is_overdue=True)),
    "runs, keeper silent": Facts(run=RUN, is_orphaned=True),
    "ended, by itself": Facts(end=young(0)),
    "ended, crash": Facts(end=young(1)),
    "ended, crash, stable run": Facts(end=EndFacts(1, 60.0)),
    "ended, crash, in company": Facts(end=EndFacts(1, 60.0, company=1)),
    "ended, crash, permanent": Facts(end=EndFacts(1, 5.0, is_permanent=True)),
    "ended, crash, too often": Facts(end=young(1), failures=5),
    "ended, table broken": Facts(end=young(1), blocked=FILE_FAULT),
    "ended, restart asked": Facts(end=young(1), wants_replacement=True),
    "ended, stop": Facts(end=young(0, Intent.STOP)),
    "ended, restart": Facts(end=young(0, Intent.RESTART)),
    "ended, unhealthy": Facts(end=young(0, Intent.UNHEALTHY)),
    "ended, tether": Facts(end=young(0, Intent.TETHER)),
    "ended, signal": Facts(end=young(0, Intent.SIGNAL)),
    "ended, orphan": Facts(end=young(None, Intent.ORPHAN)),
    "spread by its jitter": Facts(end=young(1), jitter=1.0),
}

COLUMNS = ("stopped", "starting", "running", "stopping", "backoff", "failed")
TABLE = """
                         | wanted  | stopped starting running stopping backoff failed
nothing has happened     | stopped | wait    rest     rest    rest     rest    rest
nothing has happened     | running | launch  launch   launch  launch   again   wait
its retry is due         | stopped | wait    rest     rest    rest     rest    rest
its retry is due         | running | launch  launch   launch  launch   again   wait
its retry is not due     | stopped | wait    rest     rest    rest     rest    rest
its retry is not due     | running | launch  launch   launch  launch   wait+   wait
dependency not ready     | stopped | wait    rest     rest    rest     rest    rest
dependency not ready     | running | hold    hold     hold    hold     hold    wait
its table is broken      | stopped | wait    rest     rest    rest     rest    rest
its table is broken      | running | fail    fail     fail    fail     fail    wait
its table was broken     | stopped | wait    rest     rest    rest     rest    rest
its table was broken     | running | launch  launch   launch  launch   again   launch
its table broke again    | stopped | wait    rest     rest    rest     rest    rest
its table broke again    | running | fail    fail     fail    fail     fail    wait
a worker is at it        | stopped | wait    wait     wait    wait     wait    wait
a worker is at it        | running | wait    wait     wait    wait     wait    wait
keeper silent            | stopped | clear   clear    clear   clear    clear   clear
keeper silent            | running | clear   clear    clear   clear    clear   clear
keeper silent, end known | stopped | clear   clear    clear   clear    clear   clear
keeper silent, end known | running | clear   clear    clear   clear    clear   clear
runs, health unknown     | stopped | stop    stop     stop    stop     stop    stop
runs, health unknown     | running | wait    wait     wait    wait     wait    wait
runs, loading            | stopped | stop    stop     stop    stop     stop    stop
runs, loading            | running | wait    wait     wait    wait     wait    wait
runs, healthy            | stopped | stop    stop     stop    stop     stop    stop
runs, healthy            | running | wait    wait     wait    wait     wait    wait
runs, unhealthy          | stopped | stop    stop     stop    stop     stop    stop
runs, unhealthy          | running | heal    heal     heal    heal     heal    heal
runs, restart asked      | stopped | stop    stop     stop    stop     stop    stop
runs, restart asked      | running | replace replace  replace replace  replace replace
runs, dependents live    | stopped | wait    wait     wait    wait     wait    wait
runs, dependents live    | running | wait    wait     wait    wait     wait    wait
runs, table broken       | stopped | stop    stop     stop    stop     stop    stop
runs, table broken       | running | wait    wait     wait    wait     wait    wait
runs, asked to end       | stopped | wait    wait     wait    wait     wait    wait
runs, asked to end       | running | wait    wait     wait    wait     wait    wait
runs, overdue            | stopped | clear   clear    clear   clear    clear   clear
runs, overdue            | running | clear   clear    clear   clear    clear   clear
runs, keeper silent      | stopped | clear   clear    clear   clear    clear   clear
runs, keeper silent      | running | clear   clear    clear   clear    clear   clear
ended, by itself         | stopped | rest    rest     rest    rest     rest    rest
ended, by itself         | running | backoff backoff  backoff backoff  backoff backoff
ended, crash             | stopped | rest    rest     rest    rest     rest    rest
ended, crash             | running | backoff backoff  backoff backoff  backoff backoff
ended, crash, stable run | stopped | rest    rest     rest    rest     rest    rest
ended, crash, stable run | running | again   again    again   again    again   again
ended, crash, in company | stopped | rest    rest     rest    rest     rest    rest
ended, crash, in company | running | backoff backoff  backoff backoff  backoff backoff
ended, crash, permanent  | stopped | rest    rest     rest    rest     rest    rest
ended, crash, permanent  | running | fail    fail     fail    fail     fail    fail
ended, crash, too often  | stopped | rest    rest     rest    rest     rest    rest
ended, crash, too often  | running | fail    fail     fail    fail     fail    fail
ended, table broken      | stopped | rest    rest     rest    rest     rest    rest
ended, table broken      | running | fail    fail     fail    fail     fail    fail
ended, restart asked     | stopped | rest    rest     rest    rest     rest    rest
ended, restart asked     | running | launch  launch   launch  launch   launch  launch
ended, stop              | stopped | rest    rest     rest    rest     rest    rest
ended, stop              | running | launch  launch   launch  launch   launch  launch
ended, restart           | stopped | rest    rest     rest    rest     rest    rest
ended, restart           | running | launch  launch   launch  launch   launch  launch
ended, unhealthy         | stopped | rest    rest     rest    rest     rest    rest
ended, unhealthy         | running | backoff backoff  backoff backoff  backoff backoff
ended, tether            | stopped | rest    rest     rest    rest     rest    rest
ended, tether            | running | backoff backoff  backoff backoff  backoff backoff
ended, signal            | stopped | rest    rest     rest    rest     rest    rest
ended, signal            | running | backoff backoff  backoff backoff  backoff backoff
ended, orphan            | stopped | rest    rest     rest    rest     rest    rest
ended, orphan            | running | backoff backoff  backoff backoff  backoff backoff
spread by its jitter     | stopped | rest    rest     rest    rest     rest    rest
spread by its jitter     | running | backoff backoff  backoff backoff  backoff backoff
"""

Cell = tuple[str, str, str]


def read_table() -> dict[Cell, str]:
    """The word for every event, wish and status."""
    head, *rows = [[part.split() for part in line.split("|")] for line in TABLE.strip().splitlines()]
    assert tuple(head[2]) == COLUMNS
    read: dict[Cell, str] = {}
    for event, (wanted,), words in rows:
        for status, word in zip(COLUMNS, words, strict=True):
            cell = (" ".join(event), wanted, status)
            assert cell not in read, f"twice: {cell}"
            read[cell] = word
    return read


CELLS = read_table()
EVERY_CELL = list(itertools.product(EVENTS, Desired, Status))


def decide_cell(event: str, wanted: Desired, status: Status, policy: RestartPolicy | None = None) -> Action:
    """What follows in one state at one event."""
    known = {one.name: getattr(EVENTS[event], one.name) for one in fields(Facts)}
    return decide(wanted, Facts(**{**known, "status": status}), policy or RestartPolicy(), NOW)


def test_the_table_has_a_row_for_every_state_and_event_and_no_other() -> None:
    assert set(CELLS) == {(event, wanted.value, status.value) for event, wanted, status in EVERY_CELL}


def test_the_events_vary_every_fact_and_name_every_way_to_end() -> None:
    """A fact or an intent that is added later needs a row here."""
    for one in fields(Facts):
        if one.name != "status":
            assert {repr(getattr(facts, one.name)) for facts in EVENTS.values()} != {repr(getattr(Facts(), one.name))}
    assert {facts.end.intent for facts in EVENTS.values() if facts.end} == set(Intent)
    assert {facts.health for facts in EVENTS.values() if facts.run} == set(Health)


def test_every_action_is_in_the_table() -> None:
    used = {ACTIONS[word] for word in CELLS.values()}
    assert {one if isinstance(one, type) else type(one) for one in used} == set(get_args(Action))


@pytest.mark.parametrize(("event", "wanted", "status"), EVERY_CELL)
def test_state_and_event_lead_to_the_action_in_the_table(event: str, wanted: Desired, status: Status) -> None:
    expected = ACTIONS[CELLS[event, wanted.value, status.value]]
    action = decide_cell(event, wanted, status)
    if isinstance(expected, type):
        assert isinstance(action, expected)
    elif isinstance(expected, Launch):
        assert isinstance(action, Launch)
        assert action.is_automatic is expected.is_automatic
    else:
        assert action == expected


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize(
    ("rule", "event", "word"),
    [
        (RestartRule.ON_FAILURE, "ended, by itself", "leave"),
        (RestartRule.ON_FAILURE, "ended, crash", "backoff"),
        (RestartRule.ON_FAILURE, "ended, unhealthy", "backoff"),
        (RestartRule.ON_FAILURE, "ended, orphan", "backoff"),
        (RestartRule.NEVER, "ended, by itself", "fail"),
        (RestartRule.NEVER, "ended, crash", "fail"),
        (RestartRule.NEVER, "ended, crash, stable run", "fail"),
        (RestartRule.NEVER, "ended, restart", "launch"),
        (RestartRule.NEVER, "ended, stop", "launch"),
    ],
)
def test_the_other_restart_rules_change_these_rows(status: Status, rule: RestartRule, event: str, word: str) -> None:
    expected = ACTIONS[word]
    action = decide_cell(event, Desired.RUNNING, status, RestartPolicy(rule=rule))
    assert isinstance(action, expected) if isinstance(expected, type) else action == expected
