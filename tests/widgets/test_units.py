from __future__ import annotations

import pytest

from widgets.units import format_age, format_bytes, format_percent


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (-3, "0s"),
        (8.9, "8s"),
        (59.9, "59s"),
        (724, "12m"),
        (11_220, "3h 07m"),
        (1_051_200, "12d 4h"),
        (1e8, "1157d"),
    ],
)
def test_ages_take_at_most_seven_cells_and_show_seconds_in_the_first_minute_alone(
    seconds: float | None, text: str
) -> None:
    assert format_age(seconds) == text
    assert len(text) <= 7


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "–"),
        (0, "0B"),
        (999, "999B"),
        (1023, "1K"),
        (512 * 1024**2, "512M"),
        (1020 * 1024**2, "1.0G"),
        (int(4.3 * 1024**3), "4.3G"),
        (64 * 1024**3, "64G"),
        (10**20, "88818P"),
    ],
)
def test_sizes_are_short(size: int | None, text: str) -> None:
    assert format_bytes(size) == text


def test_shares_have_no_decimals() -> None:
    assert format_percent(111.6) == "112%"
    assert format_percent(None) == "–"
