"""What one examination asks, in which order, and what it concludes."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from engine.clock import Clock
from engine.health.answers import Answer, ProbeResult
from engine.health.chores import Chores
from engine.health.examiner import Examiner
from engine.health.judge import JudgePolicy, Verdict
from engine.health.patients import Patient, Watch, admit
from engine.health.slots import DeepState
from engine.snapshots import Health
from tests.engine.health.raw_servers import FakeLlama, http_target, raw_server

BUSY = {"id": 0, "is_processing": True, "id_task": 7, "n_prompt_tokens": 9, "next_token": [{"n_decoded": 3}]}


@dataclass
class Visit:
    """Examinations of a stand-in, with a clock that the test winds."""

    llama: FakeLlama = field(default_factory=FakeLlama)
    now: float = 1000.0
    warmings: int = 0

    def examine(self, patient: Callable[[int], Patient], *, times: int = 1) -> list[ProbeResult]:
        """Examine so many times, ten seconds apart."""
        chores = Chores()
        examiner = Examiner(chores, Clock(monotonic=lambda: self.now))

        async def visit(one: Patient) -> list[ProbeResult]:
            results = []
            for _ in range(times):
                results.append(await examiner.examine(one, self._note_warming))
                self.now += 10.0
            return results

        with raw_server(self.llama) as server:
            try:
                return asyncio.run(visit(patient(server.port)))
            finally:
                chores.close(1.0)

    def _note_warming(self) -> None:
        self.warmings += 1


def _new(**values: object) -> Callable[[int], Patient]:
    """A patient that has just been executed."""
    settings = {"completion_limit_s": 0.3, **values}

    def make(port: int) -> Patient:
        target = http_target(port, api_key="sekret")
        watch = Watch("run", os.getpid(), target, JudgePolicy(), 10.0, time.monotonic(), **settings)  # type: ignore[arg-type]
        return admit(watch, 0.0)

    return make


def _ready(**values: object) -> Callable[[int], Patient]:
    """A patient that was healthy before, with a deep check that is due."""
    return _new(**{"verdict": Verdict(Health.HEALTHY, was_healthy=True), "deep_interval_s": 1.0, **values})


@pytest.fixture
def visit() -> Visit:
    return Visit()


def _answers(results: list[ProbeResult]) -> list[Answer]:
    return [result.answer for result in results]


class TestWarmUp:
    def test_one_token_is_asked_for_after_the_first_healthy_answer_only(self, visit: Visit) -> None:
        first, second = visit.examine(_new(warmup_prompt="Say"), times=2)
        assert visit.llama.asked == ["health", "health", "completion", "health"]
        assert json.loads(visit.llama.bodies[2]) == {"prompt": "Say", "n_predict": 1, "stream": False}
        assert first.first_token_s is not None
        assert (second.first_token_s, visit.warmings) == (None, 1)

    def test_without_one_nothing_is_completed(self, visit: Visit) -> None:
        visit.examine(_new())
        assert "completion" not in visit.llama.asked

    def test_a_run_that_was_healthy_is_not_warmed_again(self, visit: Visit) -> None:
        visit.examine(_new(warmup_prompt="Say", verdict=Verdict(Health.HEALTHY, was_healthy=True)))
        assert "completion" not in visit.llama.asked

    def test_it_fails_as_a_check_until_it_passes(self, visit: Visit) -> None:
        visit.llama.answers["completion"] = (500, {"error": {"message": "no such luck"}})
        results = visit.examine(_new(warmup_prompt="Say"), times=2)
        assert _answers(results) == [Answer.WRONG] * 2
        assert results[0].detail == "warm-up: /completion answered 500: no such luck"
        assert visit.warmings == 2

    def test_a_model_that_makes_no_token_hangs(self, visit: Visit) -> None:
        visit.llama.answers["completion"] = None
        (result,) = visit.examine(_new(warmup_prompt="Say"))
        assert result.answer is Answer.SILENT
        assert "no answer to /completion came in 0.3 s" in result.detail

    def test_an_answer_that_is_no_completion_is_none(self, visit: Visit) -> None:
        visit.llama.answers["completion"] = (200, {"hello": 1})
        assert _answers(visit.examine(_new(warmup_prompt="Say"))) == [Answer.WRONG]


class TestDeepCheck:
    def test_it_comes_when_it_is_due_and_no_slot_is_busy(self, visit: Visit) -> None:
        assert _answers(visit.examine(_ready(deep_interval_s=15.0), times=4)) == [Answer.HEALTHY] * 4
        assert visit.llama.asked.count("completion") == 2

    def test_a_server_that_sleeps_is_not_woken(self, visit: Visit) -> None:
        visit.llama.answers["props"] = (200, {"is_sleeping": True})
        assert _answers(visit.examine(_ready())) == [Answer.HEALTHY]
        assert not {"slots", "completion"} & set(visit.llama.asked)

    def test_a_busy_server_is_not_disturbed(self, visit: Visit) -> None:
        visit.llama.answers["slots"] = (200, [BUSY])
        assert _answers(visit.examine(_ready(), times=3)) == [Answer.HEALTHY] * 3
        assert "completion" not in visit.llama.asked

    @pytest.mark.parametrize("slots", [(501, {}), (404, {}), (200, {"no": "list"})])
    def test_where_busy_slots_cannot_be_seen_there_is_none_and_that_is_said(
        self, visit: Visit, slots: tuple[int, object]
    ) -> None:
        visit.llama.answers["slots"] = slots
        (result,) = visit.examine(_ready())
        assert result.answer is Answer.HEALTHY
        assert "no deep check" in result.note
        assert "completion" not in visit.llama.asked

    def test_a_server_that_completes_nothing_fails_check_after_check(self, visit: Visit) -> None:
        visit.llama.answers["completion"] = None
        results = visit.examine(_ready(), times=3)
        assert _answers(results) == [Answer.SILENT] * 3
        assert results[0].detail.startswith("deep check: hangs")

    def test_a_token_that_never_came_and_still_holds_its_slot_fails_too(self, visit: Visit) -> None:
        visit.llama.answers["slots"] = (200, [BUSY])

        def suspect(port: int) -> Patient:
            patient = _ready()(port)
            patient.deep = DeepState(is_suspect=True)
            return patient

        results = visit.examine(suspect, times=3)
        assert _answers(results) == [Answer.UNASKED, Answer.SILENT, Answer.SILENT]
        assert results[2].detail == "deep check: 1 busy slots, and none makes a step"
