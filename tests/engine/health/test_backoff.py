from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.health.backoff import BackoffPolicy, compute_delay
from engine.reconciler import BackOff, EndFacts, Facts, RestartPolicy, decide
from engine.snapshots import Desired

policies = st.builds(
    BackoffPolicy,
    initial_delay_s=st.floats(0, 100),
    multiplier=st.floats(1, 10),
    max_delay_s=st.floats(0, 1000),
    jitter=st.floats(0, 1),
)


@given(policies, st.integers(1, 10_000), st.floats(-1, 1))
def test_a_delay_stays_within_its_bounds(policy: BackoffPolicy, failures: int, jitter: float) -> None:
    delay = compute_delay(policy, failures, jitter)
    assert 0 <= delay <= policy.max_delay_s * (1 + policy.jitter)


@given(policies, st.integers(1, 100))
def test_without_jitter_delays_never_become_shorter(policy: BackoffPolicy, failures: int) -> None:
    assert compute_delay(policy, failures, 0.0) <= compute_delay(policy, failures + 1, 0.0)


@given(policies, st.integers(1, 50), st.floats(-1, 1), st.floats(-1, 1))
def test_more_jitter_is_a_longer_delay(policy: BackoffPolicy, failures: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert compute_delay(policy, failures, low) <= compute_delay(policy, failures, high)


def test_the_default_delays_double_up_to_five_minutes() -> None:
    delays = [compute_delay(BackoffPolicy(), failures, 0.0) for failures in range(1, 12)]
    assert delays == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def _crash_together(instances: int, *, seed: int, failures: int = 0, lived_s: float = 3600.0) -> list[float]:
    """When each of these is launched again, as decided: a GPU reset ended them together at moment 0."""
    random = Random(seed)  # noqa: S311 - jitter
    moments = []
    for place in range(instances):
        facts = Facts(end=EndFacts(1, lived_s, company=place), failures=failures, jitter=random.uniform(-1, 1))
        action = decide(Desired.RUNNING, facts, RestartPolicy(), 0.0)
        moments.append(action.until if isinstance(action, BackOff) else 0.0)
    return moments


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("failures", "lived_s"), [(0, 3600.0), (0, 1.0), (3, 1.0)], ids=["after a stable run", "first", "fourth"]
)
def test_200_that_crash_together_come_back_spread_over_ten_seconds(seed: int, failures: int, lived_s: float) -> None:
    """A fair share of a second is 20; the jitter may move a few more into one."""
    moments = _crash_together(200, seed=seed, failures=failures, lived_s=lived_s)
    assert max(Counter(int(moment) for moment in moments).values()) <= 30
    assert max(moments) - min(moments) >= 9.0


def test_only_the_first_of_a_crowd_comes_back_at_once() -> None:
    moments = _crash_together(200, seed=1)
    assert moments[0] == 0.0
    assert min(moments[1:]) >= 0.8


@given(st.integers(0, 2**32), st.integers(1, 8))
def test_jittered_delays_are_spread_evenly_over_their_envelope(seed: int, failures: int) -> None:
    random, policy = Random(seed), BackoffPolicy(jitter=0.5)  # noqa: S311 - jitter
    middle = compute_delay(policy, failures, 0.0)
    delays = [compute_delay(policy, failures, random.uniform(-1, 1)) for _ in range(400)]
    assert 0.93 * middle <= sum(delays) / 400 <= 1.07 * middle
    for quarter in range(4):
        low = middle * (0.5 + quarter / 4)
        assert 55 <= sum(low <= delay < low + middle / 4 for delay in delays) <= 150
