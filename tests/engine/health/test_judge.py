from __future__ import annotations

import pytest

from engine.health.answers import Answer, ProbeResult
from engine.health.judge import JudgePolicy, Verdict, judge
from engine.snapshots import Health

POLICY = JudgePolicy(retries=3, start_period_s=600.0)


def _run(*answers: Answer, age_s: float = 1.0, since_progress_s: float = 1e9) -> Verdict:
    verdict = Verdict()
    for answer in answers:
        verdict = judge(
            verdict, ProbeResult(answer, 0.001, "detail"), POLICY, age_s=age_s, since_progress_s=since_progress_s
        )
    return verdict


def test_loading_inside_the_start_period_is_never_a_failure() -> None:
    verdict = _run(*[Answer.LOADING] * 1000)
    assert (verdict.health, verdict.failures) == (Health.LOADING, 0)


def test_loading_after_the_start_period_is_a_failure() -> None:
    assert _run(*[Answer.LOADING] * 3, age_s=601.0).health is Health.UNHEALTHY


def test_a_load_that_makes_progress_may_outlast_the_start_period() -> None:
    assert _run(*[Answer.LOADING] * 9, age_s=5000.0, since_progress_s=30.0).health is Health.LOADING


def test_a_hang_is_a_failure_even_inside_the_start_period() -> None:
    assert _run(*[Answer.SILENT] * 3).health is Health.UNHEALTHY


def test_loading_after_the_first_healthy_answer_is_a_failure() -> None:
    verdict = _run(Answer.HEALTHY, *[Answer.LOADING] * 3)
    assert verdict.health is Health.UNHEALTHY
    assert verdict.was_healthy


@pytest.mark.parametrize("bad", [Answer.SILENT, Answer.WRONG])
def test_fewer_failures_than_retries_leave_a_server_healthy(bad: Answer) -> None:
    verdict = _run(Answer.HEALTHY, bad, bad)
    assert (verdict.health, verdict.failures) == (Health.HEALTHY, 2)


def test_a_healthy_answer_forgets_failures() -> None:
    assert _run(Answer.HEALTHY, Answer.SILENT, Answer.SILENT, Answer.HEALTHY) == Verdict(
        Health.HEALTHY, was_healthy=True
    )
