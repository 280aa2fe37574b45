"""Pictures are the same on every machine: fixed time zone, colours, sizes and clock."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

FIXED = {"TZ": "UTC", "TEXTUAL_ANIMATIONS": "none", "COLUMNS": "80", "LINES": "24"}
UNSET = ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_FPS", "TEXTUAL_COLOR_SYSTEM")


@pytest.fixture(autouse=True)
def still_surroundings() -> Iterator[None]:
    """Pictures show clock times and colours: keep the machine's own out of them."""
    patch = pytest.MonkeyPatch()
    for name, value in FIXED.items():
        patch.setenv(name, value)
    for name in UNSET:
        patch.delenv(name, raising=False)
    if hasattr(time, "tzset"):
        time.tzset()
    yield
    patch.undo()
    if hasattr(time, "tzset"):
        time.tzset()
