"""The decision, over every combination of facts."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.health.backoff import BackoffPolicy
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
CRASH = EndFacts(code=1, lived_s=5.0)
RUN = RunFacts("r1")
POLICY = RestartPolicy()

ends = st.builds(
    EndFacts,
    code=st.one_of(st.none(), st.integers(0, 255)),
    lived_s=st.floats(0, 1e6),
    intent=st.sampled_from(Intent),
    is_permanent=st.booleans(),
    company=st.integers(0, 300),
)
facts_of_all_kinds = st.builds(
    Facts,
    status=st.sampled_from(Status),
    is_busy=st.booleans(),
    run=st.one_of(st.none(), st.builds(RunFacts, run_id=st.just("r1"), is_stopping=st.booleans())),
    is_orphaned=st.booleans(),
    end=st.one_of(st.none(), ends),
    health=st.sampled_from(Health),
    wants_replacement=st.booleans(),
    failures=st.integers(0, 20),
    retry_at=st.one_of(st.none(), st.floats(NOW - 10, NOW + 10)),
    dependencies_ready=st.booleans(),
    has_live_dependents=st.booleans(),
    blocked=st.sampled_from(["", "the file cannot be read"]),
    jitter=st.floats(-1, 1),
)
policies = st.builds(
    RestartPolicy,
    rule=st.sampled_from(RestartRule),
    max_retries=st.integers(0, 10),
    reset_after_s=st.floats(0, 600),
    backoff=st.builds(BackoffPolicy),
)


@given(st.sampled_from(Desired), facts_of_all_kinds, policies)
def test_there_is_an_action_for_every_combination(desired: Desired, facts: Facts, policy: RestartPolicy) -> None:
    assert isinstance(decide(desired, facts, policy, NOW), get_args(Action))


@given(facts_of_all_kinds, policies)
def test_what_is_wanted_stopped_is_never_launched(facts: Facts, policy: RestartPolicy) -> None:
    assert not isinstance(decide(Desired.STOPPED, facts, policy, NOW), Launch | BackOff | HoldBack)


@given(st.sampled_from(Desired), facts_of_all_kinds, policies)
def test_nothing_is_launched_beside_a_living_run_or_an_orphan_or_a_busy_worker(
    desired: Desired, facts: Facts, policy: RestartPolicy
) -> None:
    action = decide(desired, facts, policy, NOW)
    if facts.is_busy or facts.is_orphaned or (facts.run is not None and facts.end is None):
        assert not isinstance(action, Launch)


@given(facts_of_all_kinds, policies)
def test_a_blocked_instance_is_never_launched(facts: Facts, policy: RestartPolicy) -> None:
    if facts.blocked:
        assert not isinstance(decide(Desired.RUNNING, facts, policy, NOW), Launch | BackOff)


@given(facts_of_all_kinds, policies)
def test_a_retry_is_never_later_than_the_longest_delay_with_its_jitter(facts: Facts, policy: RestartPolicy) -> None:
    action = decide(Desired.RUNNING, facts, policy, NOW)
    if isinstance(action, BackOff):
        longest = policy.backoff.max_delay_s * (1 + policy.backoff.jitter)
        assert NOW <= action.until <= NOW + longest


@given(st.sampled_from(Desired), facts_of_all_kinds, policies)
def test_a_run_that_is_stopping_is_not_asked_again(desired: Desired, facts: Facts, policy: RestartPolicy) -> None:
    if facts.run is not None and facts.run.is_stopping:
        assert not isinstance(decide(desired, facts, policy, NOW), AskToStop)


@pytest.mark.parametrize(
    ("desired", "facts", "action"),
    [
        pytest.param(Desired.RUNNING, Facts(), Launch(), id="wanted and resting"),
        pytest.param(Desired.RUNNING, Facts(dependencies_ready=False), HoldBack(), id="wanted, dependency not ready"),
        pytest.param(Desired.RUNNING, Facts(status=Status.FAILED), Wait(), id="failed stays failed"),
        pytest.param(Desired.STOPPED, Facts(status=Status.FAILED), BecomeStopped(), id="failed and no longer wanted"),
        pytest.param(Desired.STOPPED, Facts(), Wait(), id="resting as wanted"),
        pytest.param(Desired.RUNNING, Facts(is_busy=True), Wait(), id="a worker is at it"),
        pytest.param(Desired.STOPPED, Facts(is_orphaned=True), ClearOrphan(), id="an orphan goes first"),
        pytest.param(
            Desired.STOPPED, Facts(status=Status.RUNNING, run=RUN), AskToStop(Intent.STOP), id="runs unwanted"
        ),
        pytest.param(
            Desired.STOPPED,
            Facts(status=Status.RUNNING, run=RUN, has_live_dependents=True),
            Wait(),
            id="its dependents end first",
        ),
        pytest.param(
            Desired.RUNNING,
            Facts(status=Status.RUNNING, run=RUN, wants_replacement=True),
            AskToStop(Intent.RESTART),
            id="restart asked",
        ),
        pytest.param(
            Desired.RUNNING,
            Facts(status=Status.RUNNING, run=RUN, health=Health.UNHEALTHY),
            AskToStop(Intent.UNHEALTHY),
            id="unhealthy",
        ),
        pytest.param(
            Desired.RUNNING,
            Facts(status=Status.BACKOFF, retry_at=NOW + 3),
            Wait(NOW + 3),
            id="backoff not over",
        ),
        pytest.param(
            Desired.RUNNING,
            Facts(status=Status.BACKOFF, retry_at=NOW, failures=2),
            Launch(is_automatic=True, failures=2),
            id="backoff over",
        ),
        pytest.param(Desired.STOPPED, Facts(end=CRASH), BecomeStopped(), id="ended, unwanted anyway"),
        pytest.param(Desired.RUNNING, Facts(end=EndFacts(0, 5.0, Intent.RESTART)), Launch(), id="ended for a restart"),
        pytest.param(
            Desired.RUNNING, Facts(end=EndFacts(0, 5.0, Intent.STOP)), Launch(), id="stopped, then wanted again"
        ),
        pytest.param(
            Desired.RUNNING, Facts(end=EndFacts(1, 5.0), wants_replacement=True), Launch(), id="crashed while replaced"
        ),
        pytest.param(Desired.RUNNING, Facts(end=CRASH), BackOff(NOW + 1.0, 1), id="first crash of a young run"),
        pytest.param(Desired.RUNNING, Facts(end=CRASH, failures=2), BackOff(NOW + 4.0, 3), id="third crash"),
        pytest.param(
            Desired.RUNNING,
            Facts(end=CRASH, failures=5),
            GiveUp("6 ends in a row, 5 restarts allowed", 6),
            id="one more than allowed",
        ),
        pytest.param(
            Desired.RUNNING,
            Facts(end=EndFacts(1, 60.0), failures=5),
            Launch(is_automatic=True, failures=1),
            id="a lone crash after a stable run",
        ),
        pytest.param(
            Desired.RUNNING,
            Facts(end=EndFacts(1, 60.0, company=1), failures=5),
            BackOff(NOW + 1.05, 1),
            id="several crash together",
        ),
        pytest.param(
            Desired.RUNNING,
            Facts(end=EndFacts(1, 60.0, company=40), failures=5),
            BackOff(NOW + 3.0, 1),
            id="the forty-first of a crowd",
        ),
        pytest.param(
            Desired.RUNNING,
            Facts(end=EndFacts(1, 5.0, is_permanent=True)),
            GiveUp("the next try would end the same way", 1),
            id="a permanent cause burns no restarts",
        ),
    ],
)
def test_the_step_that_follows(desired: Desired, facts: Facts, action: Action) -> None:
    assert decide(desired, facts, POLICY, NOW) == action


def test_exit_code_0_ends_an_on_failure_instance_for_good() -> None:
    policy = RestartPolicy(rule=RestartRule.ON_FAILURE)
    assert decide(Desired.RUNNING, Facts(end=EndFacts(0, 5.0)), policy, NOW) == BecomeStopped(by_policy=True)
    assert isinstance(decide(Desired.RUNNING, Facts(end=CRASH), policy, NOW), BackOff)


def test_policy_never_fails_at_the_first_end() -> None:
    policy = RestartPolicy(rule=RestartRule.NEVER)
    for end in (CRASH, EndFacts(0, 900.0)):
        assert isinstance(decide(Desired.RUNNING, Facts(end=end), policy, NOW), GiveUp)


def test_every_status_and_desire_comes_to_rest_or_to_a_run() -> None:
    """Simulated: from any status without a run, following the decisions ends in the wanted state."""
    for status, desired in itertools.product(Status, Desired):
        facts = Facts(status=status)
        action = decide(desired, facts, POLICY, NOW)
        if desired is Desired.STOPPED:
            assert isinstance(action, Wait | BecomeStopped)
        elif status is not Status.FAILED:
            assert isinstance(action, Launch)
