"""Waiting for a condition with a deadline: the only way in which a test lets time pass."""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT_S = 20.0
"""Generous: a machine that runs other tests beside is slow, and a condition that holds returns at once."""
LOOK_PERIOD_S = 0.01


def wait_until(holds: Callable[[], bool], limit_s: float = LIMIT_S) -> bool:
    """Look every 10 ms until `holds` does; False when it does not within `limit_s` seconds."""
    deadline = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_PERIOD_S)
    return True
