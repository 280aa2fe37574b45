"""`start`, `stop`, `restart`: ask whoever leads; lead for what was told when nobody does."""

from __future__ import annotations

import os
import queue
import time

import engine
from engine.snapshots import Act, Desired, LeaderKind, Outcome, Snapshot, State, Status, Target
from llama_orch_tui import __version__, output
from llama_orch_tui.progress import Progress

OPEN_LIMIT_S = 5.0
OUTCOME_LIMIT_S = 60.0
READY_MARGIN_S = 5.0


def carry_out(act: Act, target: Target, *, waits: bool, says_nothing_to_do: bool = True) -> int:
    """Ask for an act and print its outcome; the exit code.

    What was refused leaves the rest to be waited for, and its exit code.

    Raises:
        UsageError: nothing was named, or both names and a set.
        EngineError: there can be no engine.
    """
    is_wide = target.everything or target.unhealthy or bool(target.tag) or act is Act.PROFILE
    if bool(target.names) == is_wide:
        raise engine.UsageError(f"{act.value}: give names, or one of --all, --unhealthy, --tag; `ps` lists the names")
    home = engine.find_home(os.environ)
    loaded = engine.load_config(home.config_file, os.environ)
    if not loaded.readable and act is not Act.STOP:
        engine.raise_for_problems(loaded)
    scope = engine.find_scope(loaded, target.names) if target.names else None
    session = engine.Session(home, LeaderKind.CLI, __version__, scope=scope)
    session.open()
    try:
        session.wait_until_open(OPEN_LIMIT_S)
        outcome = session.submit(act, target).result(OUTCOME_LIMIT_S)
        if outcome.exit_code or outcome.changed or says_nothing_to_do:
            (output.say if outcome.exit_code == 0 else output.say_error)(outcome.message)
        if waits and act is not Act.STOP and (outcome.exit_code == 0 or outcome.changed):
            _wait_for(session, loaded, find_awaited(session.snapshot(), target, outcome))
        return outcome.exit_code
    finally:
        session.close()


def find_awaited(snapshot: Snapshot, target: Target, outcome: Outcome) -> tuple[str, ...]:
    """Who has to be ready: what was changed, what is meant and was started before, or all that a profile needs."""
    profile = next((one for one in snapshot.profiles if one.name == target.profile), None)
    if profile is not None:
        return profile.needed
    meant = (
        one.name
        for one in snapshot.instances
        if one.desired is Desired.RUNNING and (target.everything or target.tag in one.tags or one.name in target.names)
    )
    return tuple(dict.fromkeys([*outcome.changed, *meant]))


def _wait_for(session: engine.Session, loaded: engine.LoadedConfig, names: tuple[str, ...]) -> None:
    """Watch until all are ready.

    Raises:
        StartFailedError: one has failed.
        UnhealthyError: it is too late.
    """
    tables = loaded.config.instances
    periods = [tables[name].healthcheck.start_period for name in names if name in tables]
    if names:
        _wait_until_ready(session, names, max(periods, default=0.0) + READY_MARGIN_S)


def _wait_until_ready(session: engine.Session, names: tuple[str, ...], limit_s: float) -> None:
    heard: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
    deadline = time.monotonic() + limit_s
    unsubscribe = session.subscribe(heard.put)
    try:
        with Progress() as progress:
            while (left_s := deadline - time.monotonic()) > 0:
                try:
                    snapshot = heard.get(timeout=left_s)
                except queue.Empty:
                    break
                seen = [one for name in names if (one := snapshot.find(name)) is not None]
                progress.show(seen)
                failed = [one for one in seen if one.status is Status.FAILED]
                if failed:
                    raise engine.StartFailedError("\n".join(f"{one.name}: {one.why}" for one in failed))
                if seen and all(one.state is State.READY for one in seen):
                    return
    finally:
        unsubscribe()
    raise engine.UnhealthyError(f"{', '.join(names)}: not ready after {limit_s:.0f} s; `describe NAME` tells why")
