"""Numbers are read while somebody looks."""

from __future__ import annotations

from engine.telemetry.interest import Interest


def test_only_the_first_looker_and_the_last_one_make_a_difference() -> None:
    told: list[bool] = []
    interest = Interest(told.append)

    for looker, is_looking in [("a", True), ("b", True), ("a", True), ("a", False), ("c", False), ("b", False)]:
        interest.note(looker, is_looking=is_looking)

    assert told == [True, False]
