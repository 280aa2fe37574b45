"""Numbers and their nouns agree."""

from __future__ import annotations

from engine.plural import format_count, format_names


def test_counts_are_grammatical() -> None:
    assert format_count(1, "new line") == "1 new line"
    assert format_count(0, "new line") == "0 new lines"
    assert format_count(1234, "new line") == "1,234 new lines"


def test_many_names_are_counted() -> None:
    assert format_names(["a", "b"]) == "a, b"
    assert format_names([f"m{number}" for number in range(11)]) == "m0, m1, m2, m3, m4, m5, m6, m7 and 3 more"
