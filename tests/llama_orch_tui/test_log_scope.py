from __future__ import annotations

from llama_orch_tui.log_scope import MERGED_LIMIT, choose_merged

NAMES = tuple(f"model-{number}" for number in range(MERGED_LIMIT + 6))


def test_marks_choose_in_the_files_order_and_one_mark_is_none() -> None:
    assert choose_merged(frozenset({"c", "a"}), ("a", "b", "c")).names == ("a", "c")
    assert choose_merged(frozenset({"b"}), ("a", "b", "c")).names == ("a", "b", "c")
    assert not choose_merged(frozenset(), ("a",)).is_merged


def test_more_logs_than_may_be_open_are_cut_and_it_says_so() -> None:
    scope = choose_merged(frozenset(), NAMES)
    assert scope.names == NAMES[:MERGED_LIMIT]
    assert scope.title == f"{MERGED_LIMIT} of {len(NAMES)}: mark the others to see them"
    assert choose_merged(frozenset(NAMES[-2:]), NAMES).title == "2 instances"
