"""What using a profile would change, and what it does change."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from engine.profiles import plan_switch
from engine.session import Session
from engine.snapshots import (
    Act,
    Desired,
    Event,
    EventQuery,
    EventType,
    InstanceSnapshot,
    Outcome,
    ProfileSnapshot,
    Snapshot,
    State,
    Status,
    Target,
)
from engine.state.events import get_recent_events
from tests.fakes.homes import (
    DEADLINE_S,
    ThrowAwayHome,
    act,
    fake_command,
    seen,
    throw_away_home,
    wait_for,
    wait_for_state,
)

UP = {"desired": Desired.RUNNING, "status": Status.RUNNING, "pid": 7}


def test_what_runs_already_is_not_started_and_what_rests_is_not_stopped() -> None:
    snapshot = Snapshot(
        instances=(
            InstanceSnapshot("a", **UP),  # type: ignore[arg-type]
            InstanceSnapshot("b"),
            InstanceSnapshot("c", **UP),  # type: ignore[arg-type]
            InstanceSnapshot("d"),
            InstanceSnapshot("e", desired=Desired.RUNNING, status=Status.BACKOFF),
        )
    )
    switch = plan_switch(ProfileSnapshot("one", ("a", "b"), ("a", "b")), snapshot)
    assert (switch.starts, switch.stops) == (("b",), ("c", "e"))
    assert not switch.is_done
    assert plan_switch(ProfileSnapshot("two", ("a", "c", "e"), ("a", "c", "e")), snapshot).starts == ("e",)


def test_a_profile_in_use_changes_nothing() -> None:
    snapshot = Snapshot(instances=(InstanceSnapshot("a", **UP), InstanceSnapshot("b")))  # type: ignore[arg-type]
    assert plan_switch(ProfileSnapshot("one", ("a",), ("a",)), snapshot).is_done


@pytest.fixture
def home() -> Iterator[ThrowAwayHome]:
    with throw_away_home() as made:
        yield made


PROFILES = """
[profiles.small]
instances = ["a"]
[profiles.large]
instances = ["c"]
[profiles.broken]
instances = ["nobody"]
"""


def write(home: ThrowAwayHome, *flags: str) -> None:
    """`a`; `c`, which needs `b`; nobody asks them, so that they are ready a second after exec."""
    tables = [
        f"[instances.{name}]\ncommand = {json.dumps(fake_command(*flags, port=''))}\nstop_grace = 3.0\n"
        f'healthcheck.type = "none"\n{extra}'
        for name, extra in (("a", ""), ("b", ""), ("c", 'depends_on = ["b"]\n'))
    ]
    home.write_config("\n".join(tables) + PROFILES)


def use(home: ThrowAwayHome, profile: str) -> Outcome:
    return home.sessions[0].submit(Act.PROFILE, Target(profile=profile)).result(DEADLINE_S)


def told_of_profiles(session: Session) -> list[Event]:
    return [one for one in session.snapshot().events if one.type is EventType.PROFILE]


def test_one_request_starts_these_with_what_they_need_and_stops_the_rest_in_one_event(home: ThrowAwayHome) -> None:
    write(home)
    session = home.open_session()
    assert act(session, Act.START, "a").exit_code == 0
    outcome = use(home, "large")
    assert outcome.exit_code == 0
    assert set(outcome.changed) == {"a", "b", "c"}
    wait_for_state(session, "c", State.READY)
    assert seen(session, "a").state is State.STOPPED
    told = told_of_profiles(session)
    assert [(one.instance, one.message) for one in told] == [
        (None, "profile large asked for by dashboard: starts b, c; stops a")
    ]
    assert dict(told[0].meta) == {"who": "dashboard", "profile": "large", "starts": ("b", "c"), "stops": ("a",)}
    wait_for(
        lambda: [one for one in get_recent_events(home.home.state_file, EventQuery()) if one.type is EventType.PROFILE],
        "the event is stored",
    )


def test_what_starts_waits_until_what_stops_has_given_its_memory_back(home: ThrowAwayHome) -> None:
    write(home, "--ignore-term")
    session = home.open_session()
    act(session, Act.START, "a")
    wait_for_state(session, "a", State.READY)
    future = session.submit(Act.PROFILE, Target(profile="large"))
    held = wait_for_state(session, "b", State.WAITING)
    assert held.pid is None
    assert held.why.startswith("waiting for a: stopping")
    assert future.result(DEADLINE_S).exit_code == 0
    wait_for_state(session, "b", State.READY, State.LOADING)
    assert seen(session, "a").state is State.STOPPED
    events = session.snapshot().events
    order = [(one.instance, one.type) for one in events if one.type in (EventType.STOPPED, EventType.STARTED)]
    assert order.index(("a", EventType.STOPPED)) < order.index(("b", EventType.STARTED))


def test_who_is_asked_for_again_is_waited_for_no_longer(home: ThrowAwayHome) -> None:
    write(home, "--ignore-term")
    session = home.open_session()
    act(session, Act.START, "a")
    wait_for_state(session, "a", State.READY)
    session.submit(Act.PROFILE, Target(profile="large"))
    wait_for_state(session, "b", State.WAITING)
    act(session, Act.START, "a")
    wait_for_state(session, "b", State.READY)
    wait_for_state(session, "a", State.READY)


def test_a_profile_in_use_is_told_so(home: ThrowAwayHome) -> None:
    write(home)
    session = home.open_session()
    act(session, Act.START, "a")
    outcome = use(home, "small")
    assert (outcome.exit_code, outcome.message, outcome.changed) == (0, "small: in use already", ())
    told = wait_for(lambda: told_of_profiles(session), "the event is published")
    assert [one.message for one in told] == ["profile small asked for by dashboard: in use already"]


@pytest.mark.parametrize(
    ("profile", "code", "words"),
    [
        ("nope", 13, "nope: no such profile; the profiles are small, large"),
        ("broken", 11, "[profiles.broken] instances: no instance is named nobody"),
    ],
    ids=["unknown", "faulty"],
)
def test_a_profile_that_cannot_be_used_changes_nothing(
    home: ThrowAwayHome, profile: str, code: int, words: str
) -> None:
    write(home)
    session = home.open_session()
    act(session, Act.START, "a")
    outcome = use(home, profile)
    assert outcome.exit_code == code
    assert words in outcome.message
    assert wait_for_state(session, "a", State.READY).desired is Desired.RUNNING


def test_the_plan_is_what_is_done(home: ThrowAwayHome) -> None:
    write(home)
    session = home.open_session()
    act(session, Act.START, "a", "c")
    wait_for_state(session, "c", State.READY)
    snapshot = session.snapshot()
    assert [one.name for one in snapshot.profiles] == ["small", "large"]
    large = snapshot.profiles[1]
    assert large.needed == ("b", "c")
    switch = plan_switch(large, snapshot)
    assert (switch.starts, switch.stops) == ((), ("a",))
    assert set(use(home, "large").changed) == {*switch.starts, *switch.stops}
