from __future__ import annotations

from dataclasses import dataclass

import pytest

from engine.snapshots import Health, InstanceSnapshot, State
from engine.supervision.why import explain, explain_waits


@dataclass
class Reasons:
    failures: int = 0
    health_detail: str = ""
    waits_for: tuple[str, ...] = ()
    health_note: str = ""
    max_retries: int = 5


@pytest.mark.parametrize(
    ("seen", "reasons", "why"),
    [
        pytest.param(InstanceSnapshot("a"), Reasons(), "not started yet", id="never started"),
        pytest.param(
            InstanceSnapshot("a", last_exit_code=0), Reasons(), "not running; its last run: exit code 0", id="stopped"
        ),
        pytest.param(
            InstanceSnapshot("a", last_exit_signal=9),
            Reasons(),
            "not running; its last run: killed by SIGKILL",
            id="stopped the hard way",
        ),
        pytest.param(
            InstanceSnapshot("a", state=State.LOADING, progress=0.43),
            Reasons(health_detail="/health answered 503"),
            "loading the model: 43 %",
            id="loading with progress",
        ),
        pytest.param(
            InstanceSnapshot("a", state=State.LOADING, progress=0.43, health_strip=(Health.UNHEALTHY,)),
            Reasons(health_detail="hangs"),
            "loading the model: 43 %; hangs",
            id="loading and failing",
        ),
        pytest.param(
            InstanceSnapshot("a", state=State.LOADING),
            Reasons(health_detail="nobody listens on port 1"),
            "loading the model: nobody listens on port 1",
            id="loading without progress",
        ),
        pytest.param(
            InstanceSnapshot("a", state=State.WARMING),
            Reasons(),
            "answers; warming up with a first token",
            id="warming",
        ),
        pytest.param(
            InstanceSnapshot("a", state=State.WARMING),
            Reasons(health_detail="warm-up: no"),
            "answers; warming up with a first token; the last try failed: warm-up: no",
            id="warming again",
        ),
        pytest.param(
            InstanceSnapshot("a", state=State.READY, health=Health.HEALTHY),
            Reasons(health_note="its health comes and goes"),
            "answers; its health comes and goes",
            id="ready with a note",
        ),
        pytest.param(
            InstanceSnapshot("a", state=State.READY, health=Health.HEALTHY),
            Reasons(health_detail="hangs"),
            "answered before; now: hangs",
            id="ready and failing",
        ),
    ],
)
def test_the_sentence(seen: InstanceSnapshot, reasons: Reasons, why: str) -> None:
    assert explain(seen, reasons, 0.0).why == why


def test_who_waits_says_what_keeps_the_one_it_waits_for() -> None:
    db = InstanceSnapshot("db", state=State.FAILED, why="the model file is missing")
    web = InstanceSnapshot("web", state=State.WAITING, why="waiting for db")
    assert explain_waits((db, web), {"web": ("db", "gone")})[1].why == (
        "waiting for db: failed, the model file is missing; waiting for gone: stopped"
    )


def test_nobody_else_is_touched() -> None:
    ready = InstanceSnapshot("a", state=State.READY, why="answers")
    broken = InstanceSnapshot("b", state=State.WAITING, config_error="line 3", why="configuration: line 3")
    assert explain_waits((ready, broken), {"a": ("b",), "b": ("a",)}) == (ready, broken)
