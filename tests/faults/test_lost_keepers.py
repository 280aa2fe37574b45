"""A keeper that is killed before it tells of a start: nothing is wrong with the instance, so it is tried again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.errors import ExitCode
from engine.process import forking
from engine.session import Session
from engine.snapshots import Act, State
from tests.fakes.homes import ThrowAwayHome, act, kill, seen, wait_for, wait_for_state


@pytest.fixture
def doom(den: ThrowAwayHome, monkeypatch: pytest.MonkeyPatch) -> Path:
    """While this file exists, the next Python that is started, a keeper, kills itself and the file is gone."""
    monkeypatch.setattr(forking, "SPAWNED_FIRST", 99)
    flag, python = den.home.state_dir / "doom", den.home.state_dir / "python"
    python.write_text(f'#!/bin/sh\nif rm "{flag}" 2>/dev/null; then kill -9 $$; fi\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o700)
    den.write_fakes("a")
    monkeypatch.setattr(sys, "executable", str(python))
    return flag


@pytest.fixture
def session(den: ThrowAwayHome, doom: Path) -> Session:
    """A leader whose keepers can be doomed."""
    assert not doom.exists()
    return den.open_session()


def test_an_automatic_restart_that_loses_its_keeper_is_tried_again(session: Session, doom: Path) -> None:
    act(session, Act.START, "a")
    first = wait_for_state(session, "a", State.READY).pid
    doom.touch()
    kill(first or 0)
    wait_for(lambda: seen(session, "a").pid not in (None, first), "it runs again")
    assert not doom.exists()
    assert wait_for_state(session, "a", State.READY).restarts == 2


def test_a_start_that_loses_its_keeper_says_so_and_wants_nothing(session: Session, doom: Path) -> None:
    doom.touch()
    outcome = act(session, Act.START, "a")
    assert outcome.exit_code == ExitCode.START_FAILED
    assert "the keeper ended without an answer" in outcome.message
    assert wait_for_state(session, "a", State.STOPPED).pid is None
    assert act(session, Act.START, "a").exit_code == 0


def test_a_name_that_an_unreadable_file_may_hold_is_no_unknown_one(den: ThrowAwayHome) -> None:
    den.write_config("instances = [")
    outcome = act(den.open_session(), Act.STOP, "a")
    assert outcome.exit_code == ExitCode.CONFIG_INVALID
    assert outcome.message.startswith("a: nothing is known of it: ")
    assert str(den.home.config_file) in outcome.message
