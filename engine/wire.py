"""The leader's protocol: JSON lines over its private socket. Requests go in; outcomes and snapshots come out.

Frames are objects with one main key: ``hello``, ``request``, ``subscribe``, ``look``, ``yield`` from a client;
``hello``, ``accepted``, ``outcome``, ``snapshot`` (with ``events``: those the client has not seen yet) from the leader.
Unknown keys are of a later version and mean nothing here. ``hello`` comes first from either side; it and ``yield`` keep
their meaning in every version, so that any two releases can find out which of them is to lead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from engine.snapshots import Event, LeaderInfo, Outcome, Request, Snapshot, parse_event_type
from engine.versions import Release

LINE_LIMIT = 16 << 20
"""Bytes of one frame at most; a snapshot of 200 instances has about 150 KB."""


class WireError(ValueError):
    """A frame that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who speaks, on either side."""

    release: Release
    pid: int = 0
    """0 when it did not say."""
    kind: str = ""
    """dashboard, daemon …"""

    @staticmethod
    def of(leader: LeaderInfo) -> Hello:
        """A leader of our own release."""
        return Hello(Release(leader.version), leader.pid, leader.kind.value)

    def describe(self) -> str:
        """A phrase for messages: ``the daemon (PID 4711)``."""
        return f"the {self.kind or 'process'}" + (f" (PID {self.pid})" if self.pid else "")


@dataclass(frozen=True, slots=True)
class Looking:
    """A client says whether somebody looks at live numbers there."""

    is_looking: bool


# Each is made when it is first needed: a command that asks for one snapshot needs two of them.


@lru_cache
def _snapshots() -> TypeAdapter[Snapshot]:
    return TypeAdapter(Snapshot)


@lru_cache
def _events() -> TypeAdapter[tuple[Event, ...]]:
    return TypeAdapter(tuple[Event, ...])


@lru_cache
def _requests() -> TypeAdapter[Request]:
    return TypeAdapter(Request)


@lru_cache
def _outcomes() -> TypeAdapter[Outcome]:
    return TypeAdapter(Outcome)


def encode_hello(hello: Hello) -> bytes:
    """The first frame of either side."""
    release = hello.release
    body = {"version": release.protocol, "program": release.program, "records": release.records}
    return _line({"hello": {**body, "schema": release.schema, "pid": hello.pid, "kind": hello.kind}})


def encode_yield() -> bytes:
    """Ask a leader of an older release to let a newer one lead; heard only after the newer one's hello."""
    return _line({"yield": True})


def encode_subscribe() -> bytes:
    """Ask for the present snapshot and all that follow."""
    return _line({"subscribe": True})


def encode_look(*, is_looking: bool) -> bytes:
    """Say whether somebody looks at live numbers here."""
    return _line({"look": is_looking})


def encode_request(request: Request) -> bytes:
    """Ask for an act."""
    return b'{"request":' + _requests().dump_json(request) + b"}\n"


def encode_accepted(request_id: str) -> bytes:
    """The leader has taken a request up; its outcome follows."""
    return _line({"accepted": request_id})


def encode_outcome(outcome: Outcome) -> bytes:
    """What became of a request."""
    return b'{"outcome":' + _outcomes().dump_json(outcome) + b"}\n"


def encode_body(snapshot: Snapshot) -> bytes:
    """A snapshot without its events: the part that every subscriber gets alike."""
    return _snapshots().dump_json(replace(snapshot, events=()))


def encode_snapshot(body: bytes, events: tuple[Event, ...]) -> bytes:
    """A snapshot frame from its body and the events that this client has not seen."""
    return b'{"snapshot":' + body + b',"events":' + _events().dump_json(events) + b"}\n"


Frame = Hello | Request | Outcome | Snapshot | Looking | str | None
"""What a line can be: a hello, a request, an outcome, a snapshot (with new events), whether somebody looks, an accepted
request's id; None when it carries nothing for us."""


def decode_frame(line: bytes) -> Frame:
    """The content of one line.

    Raises:
        WireError: it is no JSON object, or its content is not what its key promises.
    """
    try:
        frame = json.loads(line)
        if not isinstance(frame, dict):
            raise WireError("a frame is an object")
        if "hello" in frame:
            return _parse_hello(frame["hello"])
        if "request" in frame:
            return _requests().validate_python(frame["request"])
        if "outcome" in frame:
            return _outcomes().validate_python(frame["outcome"])
        if "snapshot" in frame:
            told = _events().validate_python(frame.get("events", []))
            return replace(
                _snapshots().validate_python(frame["snapshot"]),
                events=tuple(replace(event, type=parse_event_type(event.type)) for event in told),
            )
        if "look" in frame:
            return Looking(frame["look"] is True)
        return str(frame["accepted"]) if "accepted" in frame else None
    except (ValueError, TypeError, KeyError, ValidationError) as error:
        raise WireError(str(error)) from error


def _parse_hello(body: dict[str, Any]) -> Hello:
    release = Release(str(body["program"]), int(body["version"]), int(body["records"]), int(body["schema"]))
    return Hello(release, int(body.get("pid", 0)), str(body.get("kind", "")))


def is_subscription(line: bytes) -> bool:
    """True for a client's wish to be told every snapshot."""
    return line.startswith(b'{"subscribe":')


def is_yield(line: bytes) -> bool:
    """True for a newer client's wish to lead."""
    return line.startswith(b'{"yield":')


def _line(frame: dict[str, object]) -> bytes:
    return json.dumps(frame, separators=(",", ":")).encode() + b"\n"
