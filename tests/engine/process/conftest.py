from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.fakes.homes import ThrowAwayHome, throw_away_home

if sys.platform == "win32":
    collect_ignore_glob = ["test_*"]  # keepers, and the stand-in server, are POSIX


@pytest.fixture
def den() -> Iterator[ThrowAwayHome]:
    """A home of its own; whatever of it still lives at the end is killed, and seen to be gone."""
    with throw_away_home() as made:
        yield made
