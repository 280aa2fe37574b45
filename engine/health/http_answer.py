"""Reads one HTTP/1.x answer out of the bytes as they come, within bounds. Pure: no socket, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

HEAD_LIMIT = 16 * 1024
"""Bytes of status line and headers; more is no answer of a server that means well."""
BODY_LIMIT = 64 * 1024
"""Bytes of a body that are read unless more are asked for; the rest is not waited for."""
SHOWN_GARBAGE = 24

_HEAD_END = b"\r\n\r\n"
_LINE_END = b"\r\n"
_MAGIC = b"HTTP/1."
_BODILESS = frozenset([204, 304])


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, or as much of one as came."""

    status: int = 0
    """0 when there was none."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    fault: str = ""
    """Why this is not a whole answer, for a person; empty when it is, also when its body was cut at the limit."""


class AnswerReader:
    """Takes bytes until the answer is whole, broken or large enough."""

    def __init__(self, body_limit: int = BODY_LIMIT) -> None:
        self._body_limit = body_limit
        self._raw = bytearray()
        """Not yet made sense of: the head at first, then the body (chunked: the part that is not decoded)."""
        self._body = bytearray()
        self._drained = 0
        """Bytes of the body that were taken out already."""
        self._has_head = False
        self._status = 0
        self._headers: dict[str, str] = {}
        self._length: int | None = None
        self._is_chunked = False
        self._is_done = False
        self._fault = ""

    @property
    def has_begun(self) -> bool:
        """True once any byte came."""
        return self._has_head or bool(self._raw)

    def feed(self, data: bytes) -> bool:
        """Take more bytes; True when no more are needed."""
        self._raw += data
        while not self._has_head and not self._is_done:
            if not self._take_head():
                return self._is_done
        if not self._is_done:
            self._take_body()
        return self._is_done

    @property
    def status(self) -> int:
        """The answer's status; 0 until it is known."""
        return self._status if self._has_head else 0

    def drain(self) -> bytes:
        """Take out what there is of the body; a body that is drained as it comes may be of any length."""
        taken = bytes(self._body)
        self._drained += len(taken)
        self._body.clear()
        return taken

    def finish(self) -> Reply:
        """The answer; call it when `feed` said True, or the connection ended."""
        if not self._is_done:
            self._fault = self._describe_loss()
        return Reply(self._status, self._headers, bytes(self._body[: self._body_limit]), self._fault)

    def _describe_loss(self) -> str:
        """What is missing now that the connection has ended; empty when its end is the answer's end."""
        if not self._has_head:
            return "the connection was closed inside the answer's head" if self._raw else "closed without an answer"
        if self._is_chunked or self._length is not None:
            return f"the answer was cut off after {self._drained + len(self._body)} bytes of its body"
        return ""

    def _fail(self, fault: str) -> None:
        self._fault = fault
        self._is_done = True

    def _take_head(self) -> bool:
        """Read status and headers if they are all there; False when there is nothing to do before more bytes come."""
        if not self._raw.startswith(_MAGIC[: len(self._raw)]):
            self._fail(f"not HTTP: {bytes(self._raw[:SHOWN_GARBAGE])!r}")
            return False
        end = self._raw.find(_HEAD_END)
        if end < 0:
            if len(self._raw) > HEAD_LIMIT:
                self._fail(f"more than {HEAD_LIMIT} bytes of headers")
            return False
        lines = self._raw[:end].decode("latin-1").split("\r\n")
        del self._raw[: end + len(_HEAD_END)]
        code = lines[0].split(" ", 2)[1:2]
        if not code or not code[0].isascii() or not code[0].isdigit():
            self._fail(f"not HTTP: {lines[0][:SHOWN_GARBAGE]!r}")
            return False
        self._status = int(code[0])
        if 100 <= self._status < 200:
            return True  # an interim answer: the real one follows
        self._headers = {
            name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines[1:])
        }
        self._has_head = True
        self._plan_body()
        return True

    def _plan_body(self) -> None:
        """How long the body will be."""
        self._is_chunked = "chunked" in self._headers.get("transfer-encoding", "").lower()
        length = self._headers.get("content-length", "")
        if self._status in _BODILESS:
            self._is_done = True
        elif not self._is_chunked and length:
            if not length.isascii() or not length.isdigit():
                self._fail(f"its Content-Length is no number: {length[:SHOWN_GARBAGE]!r}")
            else:
                self._length = int(length)

    def _take_body(self) -> None:
        if self._is_chunked:
            self._take_chunks()
        else:
            self._body += self._raw
            self._raw.clear()
            if self._length is not None and self._drained + len(self._body) >= self._length:
                del self._body[self._length - self._drained :]
                self._is_done = True
        if len(self._body) + len(self._raw) > self._body_limit:
            self._is_done = True

    def _take_chunks(self) -> None:
        while (end := self._raw.find(_LINE_END)) >= 0:
            digits = bytes(self._raw[:end]).partition(b";")[0].strip()
            try:
                size = int(digits, 16)
            except ValueError:
                self._fail(f"its chunks make no sense: {digits[:SHOWN_GARBAGE]!r}")
                return
            if size == 0:
                self._is_done = True
                return
            begin = end + len(_LINE_END)
            if len(self._raw) < begin + size + len(_LINE_END):
                return
            self._body += self._raw[begin : begin + size]
            del self._raw[: begin + size + len(_LINE_END)]
