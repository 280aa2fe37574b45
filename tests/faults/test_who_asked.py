"""Every event of an act says who asked for it."""

from __future__ import annotations

from engine.snapshots import Act, EventQuery, EventType, LeaderKind, MetaValue, State
from engine.state.events import get_recent_events
from tests.fakes.homes import ThrowAwayHome, act, fake_table, kill, seen, wait_for, wait_for_state


def who(den: ThrowAwayHome, kind: EventType) -> list[MetaValue]:
    """Who asked for what the stored events of a type tell, oldest first."""
    return [dict(event.meta).get("who") for event in get_recent_events(den.home.state_file, EventQuery(type=kind))]


def test_start_stop_and_refusal_name_the_command_line(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    assert den.run_cli("start", "a", "--wait").returncode == 0
    assert den.run_cli("start", "a").returncode == 21
    assert den.run_cli("stop", "a").returncode == 0
    assert den.run_cli("stop", "nobody").returncode == 13
    for kind in (EventType.STARTED, EventType.STOPPING, EventType.STOPPED):
        assert who(den, kind) == ["cli"], kind
    assert set(who(den, EventType.REQUESTED)) == {"cli"}
    assert set(who(den, EventType.LED)) == {"cli"}
    assert set(who(den, EventType.REFUSED)) == {"cli"}


def test_what_the_policy_starts_names_the_policy_and_what_an_operator_wanted_him_after_a_leader_change(
    den: ThrowAwayHome,
) -> None:
    den.write_config(fake_table("a"))
    session = den.open_session(LeaderKind.DASHBOARD)
    act(session, Act.START, "a")
    first = wait_for_state(session, "a", State.READY).pid
    kill(first or 0)
    wait_for(lambda: seen(session, "a").pid not in (None, first), "it is replaced")
    den.close_session(session)
    assert who(den, EventType.STARTED) == ["dashboard", "policy"]
    session = den.open_session(LeaderKind.DAEMON)
    act(session, Act.STOP, "a")
    den.close_session(session)
    assert who(den, EventType.STOPPED) == ["daemon"]


def test_a_refused_start_names_who_asked(den: ThrowAwayHome) -> None:
    den.write_config('[instances.a]\nmodel = "/no/such/model.gguf"\nbinary = "embedded"\n')
    assert den.run_cli("start", "a").returncode == 54
    assert who(den, EventType.REFUSED) == ["cli"]
