"""How many: the values of `-n`."""

from __future__ import annotations

import sys

import typer

EVERYTHING = sys.maxsize
"""What `-n all` asks for."""


def parse_count(text: str) -> int:
    """A number from 0 on, or `all`.

    Raises:
        BadParameter: it is neither.
    """
    if text == "all":
        return EVERYTHING
    if not text.isascii() or not text.isdecimal():
        raise typer.BadParameter(f"{text}: give a number from 0 on, or all")
    return int(text)
