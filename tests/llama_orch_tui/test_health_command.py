"""`health`: how one instance is, with and without a leader, for people, programs and scripts."""

from __future__ import annotations

import json

from engine.errors import ExitCode
from engine.snapshots import Act, State
from tests.fakes.homes import act, command_server, fake_table, seen, throw_away_home, wait_for_state

FIELDS = {"name", "state", "health", "why", "latency_ms", "first_token_ms", "progress", "strip", "history"}


def test_a_ready_instance_is_told_with_its_checks_and_0_with_and_without_a_leader() -> None:
    with throw_away_home() as home:
        home.write_fakes("a")
        session = home.open_session()
        act(session, Act.START, "a")
        wait_for_state(session, "a", State.READY)
        led = home.run_cli("health", "a", "--json")
        assert led.returncode == ExitCode.OK
        told = json.loads(led.stdout)
        assert set(told) == FIELDS
        assert told["state"] == "ready"
        assert told["latency_ms"] > 0
        assert told["strip"][-1] == "healthy"
        home.close_session(session)
        alone = home.run_cli("health", "a")
        assert alone.returncode == ExitCode.OK
        assert "unwatched" in alone.stdout
        assert "healthy" in alone.stdout


def test_an_unhealthy_instance_is_told_with_the_reason_and_22() -> None:
    with throw_away_home() as home:
        home.write_config(fake_table("a").replace("initial_delay = 0.05", "initial_delay = 60.0"))
        session = home.open_session()
        act(session, Act.START, "a")
        wait_for_state(session, "a", State.READY)
        command_server(seen(session, "a").port or 0, do="status", code=500)
        wait_for_state(session, "a", State.UNHEALTHY, State.STOPPING, State.BACKOFF)
        done = home.run_cli("health", "a")
        assert done.returncode == ExitCode.UNHEALTHY
        assert "500" in done.stdout
        assert "x" in done.stdout.split("history")[1]


def test_a_stopped_instance_has_no_checks_and_20() -> None:
    with throw_away_home() as home:
        home.write_fakes("a")
        done = home.run_cli("health", "a")
        assert done.returncode == ExitCode.NOT_RUNNING
        assert "none yet" in done.stdout
