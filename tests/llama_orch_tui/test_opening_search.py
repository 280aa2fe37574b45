"""A search that is asked for before there is an engine."""

from __future__ import annotations

from engine.editing import SearchState
from llama_orch_tui.opening import _LateSearch
from tests.fakes.still_editor import StillSearch


def test_it_begins_when_there_is_an_engine() -> None:
    real = StillSearch(SearchState(is_done=True))
    ready: list[StillSearch] = []
    late = _LateSearch(lambda: ready[0] if ready else None)
    assert late.state() == SearchState()
    assert late.state() is late.state()
    ready.append(real)
    assert late.state() is real.published
    late.close()
    assert real.is_closed


def test_one_that_was_closed_never_begins() -> None:
    real = StillSearch()
    late = _LateSearch(lambda: real)
    late.close()
    assert late.state() == SearchState()
    assert not real.is_closed
