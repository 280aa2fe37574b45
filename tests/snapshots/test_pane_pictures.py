"""Pictures of panes in the operator's sizes, the strip of checks, and a filter that leaves out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.snapshots import Health
from tests.fakes.scenes import BUSY, engine_of, snapshot
from tests.fakes.still_engine import StillEngine
from tests.snapshots.test_dashboard_pictures import LARGE, SIZES, Compare, is_as_stored

GOOD, BAD, LOADING = Health.HEALTHY, Health.UNHEALTHY, Health.LOADING


def checked() -> StillEngine:
    """Instances that have been checked for a while."""
    strips = ((GOOD,) * 20, (LOADING, *(GOOD,) * 4), (LOADING,) * 3, (), (), (), (*(GOOD,) * 8, BAD, BAD, BAD))
    rows = [replace(one, health_strip=strip) for one, strip in zip(BUSY, strips, strict=False)]
    return engine_of(snapshot((*rows, *BUSY[len(rows) :])))


@pytest.mark.parametrize("size", [*SIZES, pytest.param(LARGE, id="200x60")])
def test_sized_panes(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ["minus", "minus", "minus", "greater_than_sign", "greater_than_sign"]

    assert is_as_stored(snap_compare, checked(), size, *keys, until="Log · chat")


@pytest.mark.parametrize("size", SIZES)
def test_ordered_by_health(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert is_as_stored(snap_compare, checked(), size, "o", "h", until="health▲")


@pytest.mark.parametrize("size", SIZES)
def test_filter_that_leaves_out(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert is_as_stored(snap_compare, checked(), size, "slash", *"!ready", until="of 13")
