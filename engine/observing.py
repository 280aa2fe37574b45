"""Looking without leading: the truth as the leader tells it, or, when nobody leads, as locks and records tell it."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping

from engine import wire
from engine.clock import Clock
from engine.errors import LeaderTimeoutError
from engine.following import connect_leader, read_leader
from engine.paths import Home
from engine.seniority import check_leader
from engine.snapshots import Snapshot
from engine.versions import Release

ANSWER_LIMIT_S = 5.0


def observe(home: Home, environ: Mapping[str, str]) -> Snapshot:
    """The present state of everything.

    Raises:
        LeaderTimeoutError: a leader is there and does not answer.
        LeaderVersionError: it is of a release that this one cannot talk with.
        StateError: nobody leads, and the database is damaged or of another version.
    """
    connection = connect_leader(home)
    if connection is None:
        from engine.unled import observe_unled  # noqa: PLC0415 - half the time of a command that a leader answers

        return observe_unled(home, environ, Clock())
    with contextlib.closing(connection):
        snapshot = _hear_snapshot(connection)
    if snapshot is not None:
        return snapshot
    leader = read_leader(home)
    who = f"the leader (PID {leader.pid})" if leader else "the leader"
    raise LeaderTimeoutError(f"{who} does not answer within {ANSWER_LIMIT_S:g} s; end it, then retry")


def _hear_snapshot(connection: socket.socket) -> Snapshot | None:
    own = wire.Hello(Release(""))
    deadline = time.monotonic() + ANSWER_LIMIT_S
    unread = b""
    try:
        connection.sendall(wire.encode_hello(own) + wire.encode_subscribe())
        while (left_s := deadline - time.monotonic()) > 0:
            connection.settimeout(left_s)
            data = connection.recv(1 << 18)
            if not data:
                return None
            *lines, unread = (unread + data).split(b"\n")
            for line in lines:
                frame = wire.decode_frame(line)
                if isinstance(frame, wire.Hello):
                    check_leader(own, frame)
                if isinstance(frame, Snapshot) and frame.seq:
                    return frame
    except (OSError, wire.WireError):
        return None
    return None
