from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import wire
from engine.snapshots import (
    Act,
    Event,
    EventType,
    Fault,
    HostLoad,
    InstanceSnapshot,
    LeaderInfo,
    LeaderKind,
    Level,
    Outcome,
    Request,
    Snapshot,
    State,
    Target,
)
from engine.versions import Release

EVENTS = (Event(1.5, "a", Level.ERROR, EventType.EXITED, "ended", (("exit_code", 1), ("last_lines", ("x", "y")))),)
HELLO = wire.Hello(Release("1.2.3", 4, 5, 6), 4711, "daemon")
SNAPSHOT = Snapshot(
    seq=3,
    taken_at=2.5,
    leader=LeaderInfo(1, LeaderKind.DAEMON, 1.0, "0.1.0"),
    is_leader=True,
    instances=(InstanceSnapshot("a", state=State.READY, tags=("x",), cpu_percent=1.5), InstanceSnapshot("名前")),
    events=EVENTS,
    host=HostLoad(1.0, 2, 3),
    faults=(Fault("config", "line 3", 1.0),),
)


def test_a_snapshot_comes_through_with_its_new_events() -> None:
    line = wire.encode_snapshot(wire.encode_body(SNAPSHOT), EVENTS)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert wire.decode_frame(line) == SNAPSHOT


@given(st.text(), st.text())
def test_requests_and_outcomes_come_through_whatever_their_text(name: str, message: str) -> None:
    try:
        name.encode()
        message.encode()
    except UnicodeEncodeError:
        return  # lone surrogates are no text that a terminal or a file name rule lets in
    request = Request("id", Act.RESTART, Target((name,), tag=message), "cli", 1.0, 2.0)
    assert wire.decode_frame(wire.encode_request(request)) == request
    outcome = Outcome("id", 40, message, (name,))
    assert wire.decode_frame(wire.encode_outcome(outcome)) == outcome


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b'"x"',
        b'{"request": 1}',
        b'{"hello": {"version": 1}}',
        b'{"hello": true}',
        b'{"snapshot": {"seq": "x"}}',
        b"\xff",
    ],
)
def test_a_line_that_is_no_frame_is_an_error(line: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.decode_frame(line)


@pytest.mark.parametrize("line", [b'{"later": 1}', b"{}", wire.encode_subscribe()])
def test_an_unknown_frame_means_nothing(line: bytes) -> None:
    assert wire.decode_frame(line) is None


def test_only_a_subscription_is_one() -> None:
    assert wire.is_subscription(wire.encode_subscribe())
    assert not wire.is_subscription(wire.encode_hello(HELLO))


def test_a_hello_comes_through_and_only_a_wish_to_lead_is_one() -> None:
    assert wire.decode_frame(wire.encode_hello(HELLO)) == HELLO
    assert wire.is_yield(wire.encode_yield())
    assert not wire.is_yield(wire.encode_hello(HELLO))


def test_what_a_later_release_adds_to_a_hello_means_nothing_here() -> None:
    line = wire.encode_hello(HELLO).replace(b'"pid"', b'"later":[1],"pid"')
    assert wire.decode_frame(line) == HELLO
