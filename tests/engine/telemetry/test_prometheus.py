"""The metrics page: read back by a strict parser of the text format."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.loads import GpuLoad, LlamaLoad
from engine.snapshots import (
    Desired,
    Fault,
    Health,
    HostLoad,
    InstanceSnapshot,
    LeaderInfo,
    LeaderKind,
    Snapshot,
    State,
    Status,
)
from engine.telemetry.prometheus import EngineCounts, build_page, escape_label, format_value

PROMTOOL = shutil.which("promtool") or ""
QWEN = InstanceSnapshot(
    "qwen",
    desired=Desired.RUNNING,
    status=Status.RUNNING,
    health=Health.HEALTHY,
    state=State.READY,
    pid=7,
    restarts=3,
    started_at=1000.5,
    cpu_percent=150.0,
    memory_bytes=2_000_000,
    probe_s=0.0125,
    last_error="sk-secret",
    why="sk-secret",
    load=LlamaLoad(12.0, 40.5, 2, 4, 1, 100, 8192, note="sk-secret"),
    gpu_memory_bytes=5_000,
)
BUSY = Snapshot(
    taken_at=2000.0,
    leader=LeaderInfo(1, LeaderKind.DAEMON, 1234.5, "0.1.0"),
    is_leader=True,
    instances=(QWEN, InstanceSnapshot("bge", probe_s=1.0)),
    host=HostLoad(25.0, 10, 40, (GpuLoad(0, "H200", 5, 80, 50.0), GpuLoad(1, "vGPU", 6, 80))),
    faults=(Fault("state", "disk sk-secret", 1.0),),
)
PAGE = build_page(BUSY, EngineCounts(events=12, unwritten=2, clients=1))

LIVE = {
    "prompt_tokens_per_second": 12.0,
    "tokens_per_second": 40.5,
    "busy_slots": 2,
    "slots": 4,
    "deferred_requests": 1,
    "context_used_tokens": 100,
    "context_size_tokens": 8192,
    "gpu_memory_bytes": 5_000,
}
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL})(?:,{LABEL})*)\}})? (\S+)")


@dataclass
class Family:
    kind: str
    text: str
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)


def unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)


def parse(page: str) -> Mapping[str, Family]:
    """Every family once, HELP then TYPE then its samples, each set of labels once; anything else is an error."""
    assert page.endswith("\n")
    families: dict[str, Family] = {}
    lines = page.removesuffix("\n").split("\n")
    at = 0
    while at < len(lines):
        help_line = re.fullmatch(rf"# HELP ({NAME}) (.+)", lines[at])
        assert help_line, lines[at]
        name = help_line[1]
        type_line = re.fullmatch(rf"# TYPE {name} (counter|gauge)", lines[at + 1])
        assert type_line, lines[at + 1]
        assert name not in families
        family = families[name] = Family(type_line[1], help_line[2])
        at += 2
        while at < len(lines) and not lines[at].startswith("#"):
            sample = SAMPLE.fullmatch(lines[at])
            assert sample, lines[at]
            assert sample[1] == name
            labels = tuple((key, unescape(value)) for key, value in re.findall(LABEL, sample[2] or ""))
            assert labels not in family.samples
            family.samples[labels] = float(sample[sample.re.groups])
            at += 1
        assert family.samples, f"{name} says nothing"
    return families


def test_every_value_is_found_under_its_name() -> None:
    page = parse(PAGE)
    qwen = (("instance", "qwen"),)
    assert page["llama_orch_instance_wanted"].samples == {qwen: 1, (("instance", "bge"),): 0}
    assert page["llama_orch_instance_restarts_total"].samples[qwen] == 3
    assert page["llama_orch_instance_cpu_ratio"].samples == {qwen: 1.5}
    assert page["llama_orch_instance_memory_bytes"].samples == {qwen: 2_000_000}
    assert page["llama_orch_instance_start_time_seconds"].samples == {qwen: 1000.5}
    assert page["llama_orch_instance_probe_duration_seconds"].samples == {qwen: 0.0125}
    assert page["llama_orch_build_info"].samples == {(("version", "0.1.0"), ("kind", "daemon")): 1}
    assert page["llama_orch_leader_start_time_seconds"].samples == {(): 1234.5}
    assert page["llama_orch_events_total"].samples == {(): 12}
    assert page["llama_orch_unwritten_records"].samples == {(): 2}
    assert page["llama_orch_faults"].samples == {(): 1}
    assert page["llama_orch_fault"].samples == {(("fault", "state"),): 1}


def test_live_numbers_and_gpus_are_told_where_they_are_known() -> None:
    page = parse(PAGE)
    found = {name: page[f"llama_orch_instance_{name}"].samples for name in LIVE}

    assert found == {name: {(("instance", "qwen"),): value} for name, value in LIVE.items()}
    first, second = ((("gpu", "0"), ("name", "H200")), (("gpu", "1"), ("name", "vGPU")))
    assert page["llama_orch_gpu_memory_used_bytes"].samples == {first: 5, second: 6}
    assert page["llama_orch_gpu_memory_size_bytes"].samples == {first: 80, second: 80}
    assert page["llama_orch_gpu_busy_ratio"].samples == {first: 0.5}


@pytest.mark.parametrize(
    ("metric", "label", "words"), [("state", "state", State), ("health", "health", Health)], ids=["state", "health"]
)
def test_of_every_closed_set_exactly_one_word_is_true(metric: str, label: str, words: type[State | Health]) -> None:
    samples = parse(PAGE)[f"llama_orch_instance_{metric}"].samples
    for name in ("qwen", "bge"):
        mine = {dict(labels)[label]: value for labels, value in samples.items() if dict(labels)["instance"] == name}
        assert set(mine) == {word.value for word in words}
        assert sorted(mine.values())[-2:] == [0, 1]


def test_names_keep_the_conventions() -> None:
    for name, family in parse(PAGE).items():
        assert name.endswith("_total") == (family.kind == "counter"), name
        assert name.startswith("llama_orch_")
        assert family.text.endswith(".")


def test_no_words_of_errors_are_exported() -> None:
    assert "secret" not in PAGE


def test_nothing_to_tell_is_a_page_still() -> None:
    assert parse(build_page(Snapshot(), EngineCounts()))["llama_orch_events_total"].samples == {(): 0}


@given(st.text())
def test_any_label_comes_back_as_it_was(text: str) -> None:
    assert "\n" not in escape_label(text)
    assert re.fullmatch(LABEL, f'x="{escape_label(text)}"')
    assert unescape(escape_label(text)) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_comes_back_as_it_was(value: float) -> None:
    assert float(format_value(value)) == value


@pytest.mark.skipif(not PROMTOOL, reason="no promtool here")
def test_promtool_finds_nothing_wrong() -> None:
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=PAGE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
