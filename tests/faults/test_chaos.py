"""A short piece of chaos, from fixed seeds; `make chaos` plays as long as one likes."""

from __future__ import annotations

import pytest

from tests.faults.chaos.rounds import play_round


@pytest.mark.parametrize("seed", [1, 100])
def test_the_invariants_hold_after_random_faults(seed: int) -> None:
    play_round(seed, moves=5)
