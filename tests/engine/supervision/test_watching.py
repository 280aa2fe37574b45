from __future__ import annotations

import pytest

from engine.config.schema import InstanceConfig
from engine.health.judge import Verdict
from engine.health.patients import Watch
from engine.snapshots import Health
from engine.supervision.slot import Run
from engine.supervision.watching import build_watch, carry_over


def _watch(*, health: dict[str, object] | None = None, **table: object) -> Watch:
    spec = InstanceConfig.model_validate({"model": "/m/x.gguf", "healthcheck": health or {}, **table})
    return build_watch("x", spec, Run("run", 1, 2, "127.0.0.1", 8080, 0.0, 5.0, "", ""))


def test_every_key_of_the_table_reaches_the_check() -> None:
    watch = _watch(
        health={
            "path": "/v1/models",
            "expected_status": 204,
            "expected_body": "ok",
            "interval": 3.0,
            "timeout": 2.0,
            "retries": 7,
            "start_period": 9.0,
            "warmup_enabled": True,
            "warmup_prompt": "Say",
            "deep_interval": 60.0,
        }
    )
    target = watch.target
    assert (target.path, target.expected_status, target.expected_text, target.timeout_s) == ("/v1/models", 204, "ok", 2)
    assert (watch.interval_s, watch.policy.retries, watch.policy.start_period_s) == (3, 7, 9)
    assert (watch.warmup_prompt, watch.deep_interval_s, watch.model_path) == ("Say", 60, "/m/x.gguf")


def test_without_warm_up_its_prompt_is_of_no_use() -> None:
    assert _watch(health={"warmup_prompt": "Say"}).warmup_prompt == ""


@pytest.mark.parametrize(
    ("table", "is_tls"),
    [
        ({}, False),
        ({"args": ["--ssl-key-file", "k", "--ssl-cert-file", "c"]}, True),
        ({"env": {"LLAMA_ARG_SSL_KEY_FILE": "k"}}, True),
        ({"health": {"tls": True}}, True),
    ],
)
def test_a_server_with_a_certificate_is_asked_over_tls(table: dict[str, object], *, is_tls: bool) -> None:
    assert _watch(**table).target.is_tls is is_tls  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "idle", "interval"), [(60.0, "300", 600.0), (900.0, "300", 900.0), (60.0, "-1", 60.0), (0.0, "300", 0.0)]
)
def test_deep_checks_leave_a_server_the_time_to_fall_asleep(wanted: float, idle: str, interval: float) -> None:
    watch = _watch(health={"deep_interval": wanted}, args=["--sleep-idle-seconds", idle])
    assert watch.deep_interval_s == interval


def test_a_program_of_another_kind_tells_its_model_in_its_command() -> None:
    assert _watch(model=None, command=["serve", "-m", "/m/y.gguf", "--embeddings"]).model_path == "/m/y.gguf"


def test_an_embedding_server_is_asked_for_an_embedding() -> None:
    assert _watch(args=["--embeddings"]).target.is_embedding
    assert not _watch().target.is_embedding


def test_a_completion_may_take_longer_than_a_check_but_not_less() -> None:
    assert _watch().completion_limit_s == 30
    assert _watch(health={"timeout": 90.0}).completion_limit_s == 90


def test_what_was_ready_stays_so_when_its_check_is_changed_and_failures_are_forgotten() -> None:
    known = Verdict(Health.UNHEALTHY, failures=4, was_healthy=True, detail="hangs", first_token_s=0.5)
    assert carry_over(known) == Verdict(Health.HEALTHY, was_healthy=True, first_token_s=0.5)
    assert carry_over(Verdict(Health.UNHEALTHY, failures=4)) == Verdict()
