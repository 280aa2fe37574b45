"""Cuts a stream of server-sent events into events, as the HTML standard has it. Pure."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

EVENT_LIMIT = 1 << 20
"""Characters of one event at most; more is no answer of a server that means well."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event."""

    data: str
    """Its lines of data, joined by newlines."""
    kind: str = "message"


class EventStream:
    """Takes bytes as they come. Lines end in LF, CR or CRLF; a blank one ends an event; comments are passed over."""

    def __init__(self) -> None:
        # The standard: UTF-8, wrong bytes replaced, one byte order mark at the start passed over.
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._is_started = False
        self._line = ""
        self._ends_in_return = False
        self._data: list[str] = []
        self._kind = ""

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """The events completed by `piece`.

        Raises:
            ValueError: one event grows past all measure.
        """
        text = self._decoder.decode(piece)
        if text and not self._is_started:
            self._is_started = True
            text = text.removeprefix("\ufeff")
        if self._ends_in_return and text:
            text = text.removeprefix("\n")
            self._ends_in_return = False
        self._ends_in_return = self._ends_in_return or text.endswith("\r")
        *lines, self._line = (self._line + text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
        events = [event for line in lines if (event := self._take(line)) is not None]
        if len(self._line) + sum(map(len, self._data)) > EVENT_LIMIT:
            raise ValueError(f"an event of more than {EVENT_LIMIT} characters")
        return events

    def _take(self, line: str) -> ServerEvent | None:
        """Read one line; the event that a blank one ends. An event without data is none."""
        if not line:
            event = ServerEvent("\n".join(self._data), self._kind or "message") if self._data else None
            self._data, self._kind = [], ""
            return event
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._kind = value
        return None
