"""The page about services names every metric and every setting that keeps models alive."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.telemetry.test_prometheus import PAGE as METRICS
from tests.engine.telemetry.test_prometheus import parse

PAGE = (Path(__file__).parents[3] / "docs" / "services.md").read_text(encoding="utf-8")
SHORT = {
    "llama_orch_host_memory_used_bytes": "…_memory_used_bytes",
    "llama_orch_host_memory_size_bytes": "…_memory_size_bytes",
}


@pytest.mark.parametrize("name", parse(METRICS))
def test_every_metric_is_on_the_page(name: str) -> None:
    assert SHORT.get(name, f"`{name}") in PAGE


@pytest.mark.parametrize(
    "setting",
    ["KillMode=process", "OOMPolicy=continue", "AbandonProcessGroup", "AppKillProcessTree 0", "enable-linger"],
)
def test_every_setting_that_keeps_models_alive_is_explained(setting: str) -> None:
    assert setting in PAGE
