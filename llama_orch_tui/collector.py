"""Python's collector of unreachable cycles, kept from holding up the screen.

A full collection looks at every object there is: a tenth of a second for those of a dashboard, most of which are made
by imports and live as long as the process. So nothing is collected while it starts, and what there is by then is never
looked at again. What comes later is collected as ever, all of it together more rarely.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

FULL_EVERY = 100
"""Collections of the middle generation to one of everything; Python's own 10 would stop the screen every second."""


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Collect nothing until `settle`: a program that starts makes objects to keep. As before behind the block.

    What was settled stays so: the end of the process need not look at it either.
    """
    thresholds = gc.get_threshold()
    gc.disable()
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.enable()


def settle() -> None:
    """Leave alone what there is now, and collect what comes. Returns at once; may be called again."""
    gc.freeze()
    youngest, middle, _ = gc.get_threshold()
    gc.set_threshold(youngest, middle, FULL_EVERY)
    gc.enable()


def clear_up() -> None:
    """Collect what the imports have left behind, then settle. A tenth of a second: for when nobody waits for a key."""
    gc.collect()
    settle()
