"""How a cursor or a view moves, whichever pane it is in."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never


class Motion(StrEnum):
    """One step of the operator's."""

    UP = "up"
    DOWN = "down"
    PAGE_UP = "page_up"
    PAGE_DOWN = "page_down"
    FIRST = "first"
    LAST = "last"
    LEFT = "left"
    RIGHT = "right"


def moved(index: int, motion: Motion, count: int, page: int) -> int:
    """Where row `index` of `count` goes; pages are `page` rows, and the ends hold."""
    match motion:
        case Motion.UP:
            wanted = index - 1
        case Motion.DOWN:
            wanted = index + 1
        case Motion.PAGE_UP:
            wanted = index - max(1, page)
        case Motion.PAGE_DOWN:
            wanted = index + max(1, page)
        case Motion.FIRST:
            wanted = 0
        case Motion.LAST:
            wanted = count - 1
        case Motion.LEFT | Motion.RIGHT:
            wanted = index
        case _:
            assert_never(motion)
    return max(0, min(wanted, count - 1))
