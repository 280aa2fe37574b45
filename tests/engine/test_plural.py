"""Numbers and their nouns agree."""

from __future__ import annotations

from engine.plural import format_count


def test_counts_are_grammatical() -> None:
    assert format_count(1, "new line") == "1 new line"
    assert format_count(0, "new line") == "0 new lines"
    assert format_count(1234, "new line") == "1,234 new lines"
