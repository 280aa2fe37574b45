"""The configuration changed from consoles while servers run: whoever leads takes it up, and nothing else moves."""

from __future__ import annotations

import pytest

from engine.errors import AlreadyRunningError
from engine.snapshots import Act, State
from tests.fakes.homes import ThrowAwayHome, act, seen, wait_for, wait_for_state


def test_a_follower_adds_removes_and_restores_under_a_leader(den: ThrowAwayHome) -> None:
    den.write_fakes("a", "b")
    before = den.home.config_file.read_bytes()
    leader = den.open_session()
    follower = den.open_session()
    assert act(leader, Act.START, "a").exit_code == 0
    run = wait_for_state(leader, "a", State.READY).run_id
    editor = follower.open_editor()

    clone = editor.propose_clone("a")
    editor.add(clone.name, clone.table)
    for session in (leader, follower):
        wait_for(lambda session=session: session.snapshot().find(clone.name), "it is taken up")  # type: ignore[misc]
    assert den.home.config_file.read_bytes().startswith(before)
    removed = editor.remove(clone.name)
    wait_for(lambda: follower.snapshot().find(clone.name) is None, "it is gone")
    assert editor.restore(removed).name == clone.name
    wait_for(lambda: follower.snapshot().find(clone.name), "it is there again")

    with pytest.raises(AlreadyRunningError):
        editor.remove("a")
    assert seen(leader, "a").run_id == run


def test_a_change_waits_for_the_next_start(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    leader = den.open_session()
    assert act(leader, Act.START, "a").exit_code == 0
    run = wait_for_state(leader, "a", State.READY).run_id
    editor = leader.open_editor()

    editor.change("a", {**editor.read("a").table, "args": ["--more"]})

    wait_for(lambda: seen(leader, "a").needs_restart, "it is said that a restart is needed")
    assert seen(leader, "a").run_id == run


def test_a_search_of_a_session_ends_with_what_there_is(den: ThrowAwayHome) -> None:
    session = den.open_session()
    search = session.search_models()
    wait_for(lambda: search.state().is_done, "it ends")
    search.close()
