from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.names import find_name_fault
from engine.legacy.renaming import assign_names


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("qwen2.5-7b", "qwen2.5-7b"),
        ("my model!", "my-model"),
        ("../evil", "evil"),
        ("模型", "instance"),
        ("nul", "instance-nul"),
        ("a" * 64, "a" * 63),
        ("", "instance"),
    ],
)
def test_a_name_that_breaks_our_rule_becomes_the_nearest_that_does_not(old: str, new: str) -> None:
    assert assign_names([old]) == {old: new}


def test_names_that_differ_only_in_case_get_numbers() -> None:
    assert assign_names(["qwen", "Qwen", "QWEN"]) == {"QWEN": "QWEN", "Qwen": "Qwen-2", "qwen": "qwen-3"}


def test_who_may_keep_its_name_keeps_it_before_one_that_is_changed_into_it() -> None:
    assert assign_names(["a b", "a-b"]) == {"a-b": "a-b", "a b": "a-b-2"}


@given(st.lists(st.text(max_size=70)))
def test_every_name_is_allowed_and_no_two_are_alike_whatever_the_old_ones(olds: list[str]) -> None:
    names = assign_names(olds)
    assert set(names) == set(olds)
    assert all(not find_name_fault(name) for name in names.values())
    assert len({name.lower() for name in names.values()}) == len(names)
    assert assign_names(reversed(olds)) == names
