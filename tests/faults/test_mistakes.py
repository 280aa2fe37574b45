"""A mistake of our own, somewhere, ends neither the watch over the models nor the terminal."""

from __future__ import annotations

from typing import cast

from engine.leading import LeadingEngine
from engine.snapshots import Act, EventType, State
from engine.supervision.messages import Message
from tests.fakes.homes import ThrowAwayHome, act, kill, seen, wait_for, wait_for_state


def test_a_message_that_the_supervisor_cannot_take_is_told_and_the_watch_goes_on(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    session = den.open_session()
    assert act(session, Act.START, "a").exit_code == 0
    first = wait_for_state(session, "a", State.READY).pid
    engine = cast("LeadingEngine", session._engine)

    engine._inbox.put(cast("Message", "nonsense"))

    wait_for(lambda: any(one.key == "supervisor" for one in session.snapshot().faults), "the mistake is told")
    told = [one for one in session.snapshot().events if one.type is EventType.FAULT]
    assert "taking in str" in told[-1].message
    assert any("supervisor.py" in str(place) for place in cast("tuple[str, ...]", dict(told[-1].meta)["where"]))
    kill(first or 0)
    wait_for(lambda: seen(session, "a").pid not in (None, first), "it is replaced all the same")
