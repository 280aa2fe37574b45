"""How many of something, in words."""

from __future__ import annotations

from collections.abc import Sequence

MOST_NAMES = 8
"""More names than these are counted, not listed."""


def format_names(names: Sequence[str]) -> str:
    """``a, b``; of many, the first ones and how many more there are."""
    listed, rest = ", ".join(names[:MOST_NAMES]), len(names) - MOST_NAMES
    return f"{listed} and {rest} more" if rest > 0 else listed


def format_count(count: int, noun: str) -> str:
    """``1 line``, ``1,234 lines``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
