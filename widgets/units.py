"""Numbers as people read them: ages, sizes, shares and clock times, each in a few cells."""

from __future__ import annotations

import time

NOTHING = "–"
"""Stands where there is no number."""

_SIZE_UNITS = ("B", "K", "M", "G", "T", "P")


def format_age(seconds: float | None) -> str:
    """An age in at most 7 cells: ``8s``, ``12m``, ``3h 07m``, ``12d 4h``. A screen full of them stands still."""
    if seconds is None:
        return NOTHING
    whole = max(0, int(seconds))
    minutes = whole // 60
    hours, minutes_left = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    if days:
        return f"{days}d {hours_left}h" if days < 1000 else f"{days}d"
    if hours:
        return f"{hours}h {minutes_left:02}m"
    return f"{minutes}m" if minutes else f"{whole}s"


def format_bytes(size: int | None) -> str:
    """A size in at most 5 cells, in powers of 1024: ``512M``, ``4.3G``."""
    if size is None:
        return NOTHING
    value = float(max(0, size))
    for unit in _SIZE_UNITS:
        if value < 1000 or unit == _SIZE_UNITS[-1]:
            is_short = value < 9.95 and unit not in {"B", "K", "M"}
            return f"{value:.1f}{unit}" if is_short else f"{value:.0f}{unit}"
        value /= 1024
    return NOTHING


def format_percent(share: float | None) -> str:
    """A share without decimals: ``12%``."""
    return NOTHING if share is None else f"{share:.0f}%"


def format_rate(rate: float | None) -> str:
    """Things per second in at most 5 cells: ``0``, ``8.4``, ``412``, ``12k``."""
    if rate is None:
        return NOTHING
    if rate >= 9_999.5:
        return f"{rate / 1000:.0f}k"
    return f"{rate:.1f}" if 0.05 <= rate < 9.95 else f"{rate:.0f}"


def format_time(ts: float) -> str:
    """The local time of day, ``HH:MM:SS``."""
    return time.strftime("%H:%M:%S", time.localtime(ts))


def format_day_time(ts: float) -> str:
    """The local day and time, ``MM-DD HH:MM:SS``, where days matter."""
    return time.strftime("%m-%d %H:%M:%S", time.localtime(ts))


def format_moment(ts: float) -> str:
    """Local date, time and zone, for a place where there is room."""
    return time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(ts))
