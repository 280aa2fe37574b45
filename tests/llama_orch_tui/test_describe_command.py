"""`describe`: everything about one instance, on the command line and in the dashboard from the same engine call."""

from __future__ import annotations

import json
import re

from engine.snapshots import Act, State
from tests.fakes.homes import ThrowAwayHome, act, kill, seen, throw_away_home, wait_for, wait_for_state

SECRET = "sk-describe-me-not"


def crash_once(home: ThrowAwayHome) -> None:
    """One instance that runs, has crashed before, and has a secret."""
    home.write_fakes("a", extra=f'api_key = "{SECRET}"\ntags = ["chat"]')
    session = home.open_session()
    assert act(session, Act.START, "a").exit_code == 0
    first = wait_for_state(session, "a", State.READY).pid
    kill(first or 0)
    wait_for(lambda: seen(session, "a").pid not in (None, first), "it is replaced")
    wait_for_state(session, "a", State.READY)
    wait_for(lambda: seen(session, "a").memory_bytes, "its memory was looked at")


def test_it_tells_command_state_configuration_events_health_last_exit_and_log() -> None:
    with throw_away_home() as home:
        crash_once(home)
        one = seen(home.sessions[0], "a")
        told = home.run_cli("describe", "a").stdout
        for words in (
            f"--port {one.port}",
            str(one.pid),
            str(one.keeper_pid),
            "SIGKILL",
            "chat",
            "healthcheck.interval",
            "restarting",
            "exited",
            "healthy",
            str(home.home.instance_logs("a")),
        ):
            assert words in told, words
        assert re.search(r"uptime\s+\d", told)
        assert re.search(r"memory\s+[\d.]+ ?[KM]", told)
        assert SECRET not in told


def test_the_dashboard_and_the_command_line_say_the_same() -> None:
    with throw_away_home() as home:
        crash_once(home)
        there = home.sessions[0].describe("a")
        here = json.loads(home.run_cli("describe", "a", "--json").stdout)
        assert here["command_line"] == there.command_line
        titles = [section.title for section in there.sections]
        told = json.dumps(here)
        assert len(titles) >= 5
        assert all(title in told for title in titles), (titles, list(here))
        assert SECRET not in told
