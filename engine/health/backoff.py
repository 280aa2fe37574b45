"""How long to wait before an automatic restart. Pure: jitter comes in as a number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackoffPolicy:
    """The numbers of ``[instances.X.restart_policy]`` that shape the delay."""

    initial_delay_s: float = 1.0
    multiplier: float = 2.0
    max_delay_s: float = 300.0
    jitter: float = 0.2
    """Share by which a delay may be shorter or longer."""


def compute_delay(policy: BackoffPolicy, failures: int, jitter: float) -> float:
    """Seconds to wait after the `failures`-th end in a row (1 is the first).

    ``min(initial × multiplier^(failures - 1), max) × (1 + policy.jitter × jitter)``, with `jitter` in [-1, 1]:
    exponential backoff with proportional jitter, so that restarts of many instances drift apart.
    """
    if policy.initial_delay_s == 0:
        return 0.0
    try:
        grown = policy.initial_delay_s * policy.multiplier ** max(0, failures - 1)
    except OverflowError:
        grown = policy.max_delay_s
    return min(grown, policy.max_delay_s) * (1 + policy.jitter * jitter)
