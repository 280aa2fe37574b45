"""Moments, as they are printed and typed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from engine.errors import UsageError

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_AGO = re.compile(r"(\d+(?:\.\d+)?)([smhd])(?: +ago)?")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")


def format_time(ts: float) -> str:
    """RFC 3339 in UTC, to the millisecond; `ts` in seconds since the epoch."""
    return datetime.fromtimestamp(ts, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str, now: float) -> float:
    """Seconds since the epoch for an RFC 3339 moment, a clock time, or a span before `now` such as ``10m`` or ``2h``.

    A moment without a zone is local time. A clock time such as ``14:05`` means the last time it was that late.

    Raises:
        UsageError: it is neither.
    """
    if found := _AGO.fullmatch(text):
        return now - float(found[1]) * _UNITS_S[found[2]]
    if found := _CLOCK.fullmatch(text):
        return _last_time(now, *(int(part or 0) for part in found.groups()))
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise UsageError(
            f"{text}: not a time; give 2026-01-31T12:00:00Z, 14:05, or a span such as 90s, 10m, 2h, 1d"
        ) from error


def _last_time(now: float, hour: int, minute: int, second: int) -> float:
    """When a clock on the wall last showed this."""
    today = datetime.fromtimestamp(now).astimezone().replace(hour=hour, minute=minute, second=second, microsecond=0)
    moment = today.replace(tzinfo=None).timestamp()
    return moment if moment <= now else (today.replace(tzinfo=None) - timedelta(days=1)).timestamp()
