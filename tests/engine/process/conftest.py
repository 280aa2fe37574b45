from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

import pytest

from engine.process import forking
from engine.process.forking import Forks
from tests.fakes.homes import ThrowAwayHome, throw_away_home

if sys.platform == "win32":
    collect_ignore_glob = ["test_*"]  # keepers, and the stand-in server, are POSIX


@pytest.fixture
def den() -> Iterator[ThrowAwayHome]:
    """A home of its own; whatever of it still lives at the end is killed, and seen to be gone."""
    with throw_away_home() as made:
        yield made


@pytest.fixture
def forks(den: ThrowAwayHome, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forks]:
    """A fork server of the home, that forks from the first keeper on, and may fail as often as it likes."""
    monkeypatch.setattr(forking, "SPAWNED_FIRST", 0)
    monkeypatch.setattr(forking, "RETRY_S", 0.0)
    with contextlib.closing(Forks(den.home)) as made:
        yield made


@pytest.fixture(params=["spawned", "forked"])
def launcher(request: pytest.FixtureRequest, den: ThrowAwayHome) -> None:
    """Both ways of beginning a keeper, for every test that launches with `den.forks`."""
    den.forks = request.getfixturevalue("forks") if request.param == "forked" else None
