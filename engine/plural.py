"""How many of something, in words."""

from __future__ import annotations


def format_count(count: int, noun: str) -> str:
    """``1 line``, ``1,234 lines``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
