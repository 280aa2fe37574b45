from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.health.loading import ALMOST, LoadGauge, LoadSample, is_stopped, measure_model, read_load
from tests.fakes.waiting import wait_until


def _gauge(total: int | None, *samples: tuple[int, int]) -> LoadGauge:
    gauge = LoadGauge()
    gauge.total_bytes = total
    for sample in samples:
        gauge.note(LoadSample(*sample))
    return gauge


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param([(50, 70), (50, 570)], id="mapped"),
        pytest.param([(50, 70), (550, 70)], id="read"),
        pytest.param([(50, 70), (150, 470)], id="head read, tensors mapped"),
    ],
)
def test_the_share_is_what_came_since_the_load_began(samples: list[tuple[int, int]]) -> None:
    assert _gauge(1000, *samples).share == 0.5


@pytest.mark.parametrize("total", [None, 0])
def test_without_the_models_size_there_is_no_share(total: int | None) -> None:
    assert _gauge(total, (1, 1), (2, 2)).share is None


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), min_size=1))
def test_the_share_never_shrinks_and_is_never_whole(samples: list[tuple[int, int]]) -> None:
    gauge, shares = _gauge(1000), [0.0]
    for sample in samples:
        gauge.note(LoadSample(*sample))
        shares.append(gauge.share or 0.0)
    assert shares == sorted(shares)
    assert shares[-1] <= ALMOST


def test_only_growth_is_progress() -> None:
    gauge = LoadGauge()
    steps = [gauge.note(LoadSample(*sample)) for sample in [(5, 5), (5, 5), (6, 5), (6, 4), (6, 5)]]
    assert steps == [False, False, True, False, True]


def test_all_parts_of_a_split_model_are_measured(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        (tmp_path / f"big-{number:05}-of-00003.gguf").write_bytes(b"x" * number)
    assert measure_model(str(tmp_path / "big-00001-of-00003.gguf")) == 6


def test_a_model_that_cannot_be_measured_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "big-00001-of-00002.gguf").write_bytes(b"x")
    assert measure_model(str(tmp_path / "big-00001-of-00002.gguf")) == 0
    assert measure_model("") == 0


def test_what_a_process_reads_is_seen(tmp_path: Path) -> None:
    before = read_load(os.getpid())
    (tmp_path / "file").write_bytes(b"x" * 1_000_000)
    (tmp_path / "file").read_bytes()
    after = read_load(os.getpid())
    assert before is not None
    assert after is not None
    assert after.read_bytes - before.read_bytes >= 1_000_000 or sys.platform != "linux"


def test_a_process_that_is_gone_has_no_load_and_is_not_stopped() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    assert read_load(process.pid) is None
    assert not is_stopped(process.pid)


def test_a_stopped_process_is_known() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        assert not is_stopped(process.pid)
        process.send_signal(19)
        assert wait_until(lambda: is_stopped(process.pid))
        process.kill()
