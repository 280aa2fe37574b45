from __future__ import annotations

import pytest

from engine.snapshots import State
from tests.fakes.scenes import BUSY, TRIO
from widgets.table_order import URGENCY, SortKey, is_match, ordered


def names(key: SortKey, text: str = "") -> list[str]:
    return [one.name for one in ordered(BUSY, key, text)]


def test_the_files_order_is_kept_until_another_is_asked_for() -> None:
    assert names(SortKey.FILE) == [one.name for one in BUSY]


def test_by_state_what_needs_a_person_comes_first() -> None:
    assert names(SortKey.STATE)[:3] == ["huge", "中文模型", "draft"]


@pytest.mark.parametrize(
    ("key", "first"),
    [(SortKey.CPU, "warmup"), (SortKey.MEMORY, "vision"), (SortKey.UPTIME, "chat"), (SortKey.RESTARTS, "huge")],
)
def test_the_largest_comes_first(key: SortKey, first: str) -> None:
    assert names(key)[0] == first


def test_what_has_no_number_comes_last_in_the_files_order() -> None:
    assert names(SortKey.CPU)[-4:] == ["draft", "huge", "typo", "spare"]


def test_every_state_has_its_place() -> None:
    assert sorted(URGENCY) == sorted(State)


def test_the_cycle_comes_back_to_the_files_order() -> None:
    key, seen = SortKey.FILE, []
    for _ in SortKey:
        key = key.following()
        seen.append(key)

    assert seen[-1] is SortKey.FILE
    assert set(seen) == set(SortKey)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("CHA", id="name, without case"),
        pytest.param("ready", id="state"),
        pytest.param("qwen3", id="model"),
        pytest.param("chat ready", id="every word somewhere"),
        pytest.param("", id="nothing typed"),
    ],
)
def test_a_filter_looks_at_name_state_model_and_tags(text: str) -> None:
    assert is_match(TRIO[0], text)


def test_a_filter_finds_tags_and_misses_the_rest() -> None:
    assert [one.name for one in ordered(TRIO, SortKey.FILE, "rag")] == ["embed"]
    assert ordered(TRIO, SortKey.FILE, "no such thing") == ()
