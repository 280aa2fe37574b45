from __future__ import annotations

import pytest

from widgets.motion import Motion, moved


@pytest.mark.parametrize(
    ("motion", "index"),
    [
        (Motion.UP, 4),
        (Motion.DOWN, 6),
        (Motion.PAGE_UP, 1),
        (Motion.PAGE_DOWN, 9),
        (Motion.FIRST, 0),
        (Motion.LAST, 19),
        (Motion.LEFT, 5),
        (Motion.RIGHT, 5),
    ],
)
def test_each_motion_goes_its_way(motion: Motion, index: int) -> None:
    assert moved(5, motion, 20, 4) == index


@pytest.mark.parametrize("motion", list(Motion))
@pytest.mark.parametrize("start", [0, 2])
def test_no_motion_leaves_the_rows(motion: Motion, start: int) -> None:
    assert 0 <= moved(start, motion, 3, 50) <= 2
