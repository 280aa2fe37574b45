"""A memory curve keeps the last minute whole, the life before it coarsely, and never grows beyond its bound."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.telemetry.curve import COARSE, RECENT, MemoryCurve


@given(st.integers(0, 3000))
def test_it_holds_the_beginning_and_the_whole_end_within_a_bound(count: int) -> None:
    curve = MemoryCurve()
    for number in range(count):
        curve.note(2.0 * number, number)
    points = curve.points
    assert len(points) <= RECENT + COARSE
    assert [one.memory_bytes for one in points] == sorted({one.memory_bytes for one in points})
    assert [one.memory_bytes for one in points[-RECENT:]] == list(range(count))[-RECENT:]
    assert not count or points[0].age_s == 0.0


def test_a_long_life_is_drawn_at_even_steps() -> None:
    curve = MemoryCurve()
    for number in range(10_000):
        curve.note(float(number), 1)
    coarse = [one.age_s for one in curve.points[:-RECENT]]
    assert len({after - before for before, after in pairwise(coarse)}) == 1
