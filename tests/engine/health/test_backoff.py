from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.health.backoff import BackoffPolicy, compute_delay

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
