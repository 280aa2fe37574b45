"""The leader's protocol: JSON lines over its private socket. Requests go in; outcomes and snapshots come out.

Frames are objects with one main key: ``hello``, ``request``, ``subscribe`` from a client; ``hello``, ``accepted``,
``outcome``, ``snapshot`` (with ``events``: those the client has not seen yet) from the leader. Unknown keys are of a
later version and mean nothing here.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache

from pydantic import TypeAdapter, ValidationError

from engine.snapshots import Event, LeaderInfo, Outcome, Request, Snapshot, parse_event_type

VERSION = 1
LINE_LIMIT = 16 << 20
"""Bytes of one frame at most; a snapshot of 200 instances has about 150 KB."""


class WireError(ValueError):
    """A frame that cannot be understood."""


@lru_cache
def _adapters() -> tuple[
    TypeAdapter[Snapshot], TypeAdapter[tuple[Event, ...]], TypeAdapter[Request], TypeAdapter[Outcome]
]:
    return (
        TypeAdapter(Snapshot),
        TypeAdapter(tuple[Event, ...]),
        TypeAdapter(Request),
        TypeAdapter(Outcome),
    )


def encode_hello(leader: LeaderInfo | None) -> bytes:
    """The first frame of either side; the leader says who it is."""
    body: dict[str, object] = {"version": VERSION}
    if leader is not None:
        body |= {"pid": leader.pid, "kind": leader.kind.value, "program": leader.version}
    return _line({"hello": body})


def encode_subscribe() -> bytes:
    """Ask for the present snapshot and all that follow."""
    return _line({"subscribe": True})


def encode_request(request: Request) -> bytes:
    """Ask for an act."""
    return b'{"request":' + _adapters()[2].dump_json(request) + b"}\n"


def encode_accepted(request_id: str) -> bytes:
    """The leader has taken a request up; its outcome follows."""
    return _line({"accepted": request_id})


def encode_outcome(outcome: Outcome) -> bytes:
    """What became of a request."""
    return b'{"outcome":' + _adapters()[3].dump_json(outcome) + b"}\n"


def encode_body(snapshot: Snapshot) -> bytes:
    """A snapshot without its events: the part that every subscriber gets alike."""
    return _adapters()[0].dump_json(replace(snapshot, events=()))


def encode_snapshot(body: bytes, events: tuple[Event, ...]) -> bytes:
    """A snapshot frame from its body and the events that this client has not seen."""
    return b'{"snapshot":' + body + b',"events":' + _adapters()[1].dump_json(events) + b"}\n"


Frame = Request | Outcome | Snapshot | str | None
"""What a line can be: a request, an outcome, a snapshot (with new events), an accepted request's id; None when it
carries nothing for us."""


def decode_frame(line: bytes) -> Frame:
    """The content of one line.

    Raises:
        WireError: it is no JSON object, or its content is not what its key promises.
    """
    try:
        frame = json.loads(line)
        if not isinstance(frame, dict):
            raise WireError("a frame is an object")
        snapshots, events, requests, outcomes = _adapters()
        if "request" in frame:
            return requests.validate_python(frame["request"])
        if "outcome" in frame:
            return outcomes.validate_python(frame["outcome"])
        if "snapshot" in frame:
            told = events.validate_python(frame.get("events", []))
            return replace(
                snapshots.validate_python(frame["snapshot"]),
                events=tuple(replace(event, type=parse_event_type(event.type)) for event in told),
            )
        return str(frame["accepted"]) if "accepted" in frame else None
    except (ValueError, ValidationError) as error:
        raise WireError(str(error)) from error


def is_subscription(line: bytes) -> bool:
    """True for a client's wish to be told every snapshot."""
    return line.startswith(b'{"subscribe":')


def _line(frame: dict[str, object]) -> bytes:
    return json.dumps(frame, separators=(",", ":")).encode() + b"\n"
