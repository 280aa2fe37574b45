"""What is collected while the dashboard starts, and after."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from llama_orch_tui.collector import FULL_EVERY, clear_up, held, settle


class Knot:
    """Reachable from itself alone as soon as nobody else holds it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    assert gc.isenabled()
    gc.unfreeze()


def test_nothing_is_collected_before_it_settles_and_everything_after() -> None:
    with held():
        assert not gc.isenabled()
        settle()
        assert gc.isenabled()
        late = weakref.ref(Knot())
        gc.collect()
        assert late() is None


def test_what_stands_when_it_settles_is_not_looked_at_again() -> None:
    with held():
        early = weakref.ref(Knot())
        settle()
        gc.collect()

    gc.collect()
    assert early() is not None


def test_everything_is_looked_at_more_rarely_and_then_as_before() -> None:
    before = gc.get_threshold()
    with held():
        settle()
        assert gc.get_threshold() == (*before[:2], FULL_EVERY)

    assert gc.get_threshold() == before


def test_a_block_left_before_it_settled_collects_again() -> None:
    with pytest.raises(RuntimeError), held():
        raise RuntimeError

    assert gc.isenabled()


def test_what_is_cleared_up_is_gone_before_it_settles() -> None:
    with held():
        early = weakref.ref(Knot())
        clear_up()

        assert early() is None
        assert gc.isenabled()
