"""`events`: what happened, from the database alone."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import engine
from engine.snapshots import Event, EventQuery, EventType, Level
from llama_orch_tui import output
from llama_orch_tui.counts import EVERYTHING
from llama_orch_tui.follow_end import FollowEnd, die_by_ctrl_c

NEWEST_EVENTS = 50
"""How many events are shown when nobody says how many, or since when."""


@dataclass(frozen=True, slots=True)
class EventWish:
    """Which events are meant, as it was typed."""

    name: str | None = None
    lines: int | None = None
    since: str = ""
    until: str = ""
    level: Level | None = None
    kind: EventType | None = None


def show_events(wish: EventWish, *, follows: bool, as_json: bool) -> int:
    """Print (and follow) stored events.

    Raises:
        UsageError: a time cannot be understood, or an end is given to what has none.
        NoSuchInstanceError: neither the configuration nor any event knows the name.
        StateError: the database is damaged, or of another version.
    """
    if follows and wish.until:
        raise engine.UsageError("-f, --until: what is followed has no end; give one of them")
    home = engine.find_home(os.environ)
    query = _build_query(wish, time.time())
    if wish.name is not None:
        _check_name(home, wish.name)
    if follows:
        with FollowEnd() as end:
            for event in engine.follow_events(home.state_file, query, end):
                _print(event, as_json=as_json)
        return 0
    die_by_ctrl_c()
    for event in engine.get_recent_events(home.state_file, query):
        _print(event, as_json=as_json)
    return 0


def _build_query(wish: EventWish, now: float) -> EventQuery:
    limit = EVERYTHING if wish.since or wish.until else NEWEST_EVENTS
    return EventQuery(
        instance=wish.name,
        since=engine.parse_time(wish.since, now) if wish.since else None,
        until=engine.parse_time(wish.until, now) if wish.until else None,
        level=wish.level,
        type=wish.kind,
        limit=limit if wish.lines is None else wish.lines,
    )


def _check_name(home: engine.Home, name: str) -> None:
    """An instance that is configured no more still has its events."""
    loaded = engine.load_config(home.config_file, os.environ)
    if name in loaded.config.instances or name in loaded.frozen:
        return
    if not engine.get_recent_events(home.state_file, EventQuery(instance=name, limit=1)):
        raise engine.NoSuchInstanceError(name)


def _print(event: Event, *, as_json: bool) -> None:
    if as_json:
        output.say_json(output.event_to_json(event))
    else:
        output.say(output.format_event(event))
