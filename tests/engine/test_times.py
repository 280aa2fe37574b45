from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.times import format_time, parse_time

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("text", "ts"),
    [
        ("10m", NOW - 600),
        ("2h ago", NOW - 7200),
        ("1.5d", NOW - 129_600),
        ("2026-01-31T12:00:00Z", 1_769_860_800.0),
        ("2026-01-31T13:00:00+01:00", 1_769_860_800.0),
    ],
)
def test_moments_and_spans_are_understood(text: str, ts: float) -> None:
    assert parse_time(text, NOW) == ts


@given(hour=st.integers(0, 23), minute=st.integers(0, 59), second=st.one_of(st.none(), st.integers(0, 59)))
def test_a_clock_time_is_the_last_time_it_was_that_late(hour: int, minute: int, second: int | None) -> None:
    text = f"{hour}:{minute:02}" if second is None else f"{hour:02}:{minute:02}:{second:02}"
    found = datetime.fromtimestamp(parse_time(text, NOW))  # noqa: DTZ006 - the clock on the wall
    now = datetime.fromtimestamp(NOW)  # noqa: DTZ006 - likewise
    assert (found.hour, found.minute, found.second) == (hour, minute, second or 0)
    assert now - timedelta(hours=25) < found <= now


@pytest.mark.parametrize("text", ["", "soon", "25:00", "12:60", "10x", "ago"])
def test_what_is_no_time_says_what_would_be(text: str) -> None:
    with pytest.raises(UsageError, match="not a time; give"):
        parse_time(text, NOW)


def test_what_is_printed_is_understood() -> None:
    assert parse_time(format_time(NOW), 0.0) == NOW
