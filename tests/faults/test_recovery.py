"""A console that cannot be an engine says why, and is one as soon as it can."""

from __future__ import annotations

import pytest

from engine.errors import StateError
from engine.session import Session
from engine.snapshots import Act, LeaderKind, State
from tests.fakes.homes import DEADLINE_S, ThrowAwayHome, act, wait_for, wait_for_state


def open_in_vain(den: ThrowAwayHome, error: type[Exception]) -> Session:
    """A console that finds no ground to stand on."""
    session = Session(den.home, LeaderKind.DASHBOARD, "0-test")
    den.sessions.append(session)
    session.open()
    with pytest.raises(error):
        session.wait_until_open(DEADLINE_S)
    assert [fault.key for fault in session.snapshot().faults] == ["engine"]
    return session


def lead_and_start(session: Session) -> None:
    """It leads after all, and does as it is told."""
    wait_for(lambda: session.snapshot().is_leader, "it leads")
    assert not session.snapshot().faults
    assert act(session, Act.START, "a").exit_code == 0
    wait_for_state(session, "a", State.READY)


def test_a_console_over_a_damaged_database_leads_once_it_is_moved_away(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    den.home.state_file.write_bytes(b"rubbish" * 1000)
    session = open_in_vain(den, StateError)
    den.home.state_file.rename(den.home.state_dir / "damaged")
    lead_and_start(session)


def test_a_console_whose_run_folder_cannot_be_made_leads_once_it_can(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    den.home.run_dir.write_text("in the way", encoding="utf-8")
    session = open_in_vain(den, OSError)
    den.home.run_dir.unlink()
    lead_and_start(session)
