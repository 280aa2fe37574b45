"""How a run is to be watched, from its instance's table. Pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from engine.config.schema import InstanceConfig
from engine.health.completions import COMPLETION_LIMIT_S
from engine.health.judge import JudgePolicy, Verdict
from engine.health.patients import Watch
from engine.health.targets import ProbeKind, ProbeTarget
from engine.snapshots import Health
from engine.supervision.slot import Run

TLS_FLAGS = frozenset(["--ssl-key-file", "--ssl-cert-file"])
TLS_VARIABLES = frozenset(["LLAMA_ARG_SSL_KEY_FILE", "LLAMA_ARG_SSL_CERT_FILE"])
EMBEDDING_FLAGS = frozenset(["--embedding", "--embeddings", "--rerank", "--reranking"])
MODEL_FLAGS = frozenset(["-m", "--model"])
SLEEP_FLAG = "--sleep-idle-seconds"
SLEEP_VARIABLE = "LLAMA_ARG_SLEEP_IDLE_SECONDS"
SLEEP_ROOM = 2.0
"""A deep check counts as work: so many times the idle time lies between two, or the server would never sleep."""


def build_watch(name: str, spec: InstanceConfig, run: Run) -> Watch:
    """How a run is to be asked; what is known of its health already goes along."""
    table = spec.healthcheck
    words = (*(spec.command or ()), *spec.args)
    target = ProbeTarget(
        name=name,
        kind=ProbeKind(table.type.value),
        host=run.host,
        port=run.port,
        path=table.path,
        expected_status=table.expected_status,
        expected_text=table.expected_body,
        script=table.custom_script,
        timeout_s=table.timeout,
        is_tls=is_tls(spec),
        api_key=run.api_key,
        env=spec.env,
        is_embedding=not EMBEDDING_FLAGS.isdisjoint(words),
    )
    return Watch(
        run_id=run.run_id,
        pid=run.pid,
        target=target,
        policy=JudgePolicy(table.retries, table.start_period),
        interval_s=table.interval,
        started_mono=run.started_mono,
        verdict=carry_over(run.verdict),
        warmup_prompt=table.warmup_prompt if table.warmup_enabled else "",
        deep_interval_s=_deep_interval(table.deep_interval, words),
        completion_limit_s=max(table.timeout, COMPLETION_LIMIT_S),
        model_path=spec.model or _find_value(words, MODEL_FLAGS),
        may_sleep=SLEEP_FLAG in words or SLEEP_VARIABLE in spec.env,
    )


def is_tls(spec: InstanceConfig) -> bool:
    """True when its server is reached over TLS."""
    words = (*(spec.command or ()), *spec.args)
    return spec.healthcheck.tls or not TLS_FLAGS.isdisjoint(words) or not TLS_VARIABLES.isdisjoint(spec.env)


def carry_over(verdict: Verdict) -> Verdict:
    """What a verdict is worth when checks begin anew: failures are forgotten, that it was ready is not."""
    if not verdict.was_healthy:
        return Verdict()
    return replace(verdict, health=Health.HEALTHY, failures=0, detail="", note="")


def _deep_interval(wanted_s: float, words: tuple[str, ...]) -> float:
    idle = _find_value(words, frozenset([SLEEP_FLAG]))
    idle_s = float(idle) if idle.isascii() and idle.isdigit() else 0.0
    return max(wanted_s, SLEEP_ROOM * idle_s) if wanted_s else 0.0


def _find_value(words: tuple[str, ...], flags: frozenset[str]) -> str:
    """The value of the last of these flags, as llama-server reads them."""
    return next((value for flag, value in reversed(list(pairwise(words))) if flag in flags), "")
