from __future__ import annotations

from itertools import cycle, islice

from engine.health.flapping import FLAP_CHANGES, FLAP_WINDOW_S, FlapWatch
from engine.snapshots import Health

COMES_AND_GOES = (Health.HEALTHY, Health.UNHEALTHY)


def _told(answers: list[Health], apart_s: float) -> list[int]:
    """Which of these answers show flapping."""
    watch = FlapWatch()
    return [number for number, answer in enumerate(answers) if watch.note(answer, number * apart_s)]


def test_health_that_comes_and_goes_is_noticed_once_in_the_window() -> None:
    answers = list(islice(cycle(COMES_AND_GOES), 60))
    assert _told(answers, 10.0) == [FLAP_CHANGES]
    assert len(_told(answers * 3, 10.0)) == 3


def test_the_same_changes_over_a_longer_time_are_no_flapping() -> None:
    assert _told(list(islice(cycle(COMES_AND_GOES), 60)), FLAP_WINDOW_S / 4) == []


def test_steady_answers_and_loads_are_no_flapping() -> None:
    assert _told([Health.LOADING, *[Health.HEALTHY] * 50, Health.UNKNOWN, *[Health.UNHEALTHY] * 50], 1.0) == []


def test_flapping_is_over_when_the_window_has_passed() -> None:
    watch = FlapWatch()
    for number, answer in enumerate(islice(cycle(COMES_AND_GOES), FLAP_CHANGES + 1)):
        watch.note(answer, float(number))
    assert watch.is_flapping(10.0)
    assert not watch.is_flapping(FLAP_WINDOW_S + 2.0)
