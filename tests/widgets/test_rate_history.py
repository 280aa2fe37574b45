from __future__ import annotations

from dataclasses import replace

import pytest

from engine.loads import LlamaLoad
from engine.snapshots import Snapshot
from tests.fakes.scenes import NOW, TRIO
from widgets.rate_history import KEPT, RateHistory, draw_curve


def of_rate(rate: float | None, second: float) -> Snapshot:
    return Snapshot(taken_at=NOW + second, instances=(replace(TRIO[0], load=LlamaLoad(tokens_per_s=rate)),))


def test_one_sample_a_second_is_kept_and_a_minute_of_them() -> None:
    history = RateHistory()
    for tenth in range(10 * (KEPT + 5)):
        history.note(of_rate(float(tenth // 10), tenth / 10))

    assert history.of("chat") == tuple(float(second) for second in range(5, KEPT + 5))


def test_who_tells_nothing_is_forgotten() -> None:
    history = RateHistory()
    history.note(of_rate(5.0, 1))
    history.note(of_rate(None, 2))

    assert history.of("chat") == ()
    assert history.of("nobody") == ()


@pytest.mark.parametrize(
    ("samples", "width", "curve"),
    [
        ([], 5, ""),
        ([0.0, 0.0], 5, ""),
        ([0.0, 7.0], 4, "  ▁█"),
        ([9.0, 1.0, 0.5, 1.0], 3, "█▅█"),
        ([1.0], 0, ""),
    ],
)
def test_a_curve_fills_its_width_from_the_right(samples: list[float], width: int, curve: str) -> None:
    assert draw_curve(samples, width) == curve
