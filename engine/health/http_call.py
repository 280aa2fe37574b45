"""One HTTP request on the event loop. Plain enough that 500 a second cost a tenth of a core."""

from __future__ import annotations

import asyncio
import errno
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from engine.health.answers import Answer, ProbeResult
from engine.health.http_answer import BODY_LIMIT, AnswerReader, Reply
from engine.health.resolver import Resolver
from engine.health.targets import ProbeTarget, url_host

OUR_TROUBLE = frozenset([errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
"""Errors that say nothing about the server that was to be asked."""
SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What is asked."""

    path: str
    method: str = "GET"
    body: bytes = b""
    api_key: str = field(default="", repr=False)
    body_limit: int = BODY_LIMIT

    def encode(self, target: ProbeTarget) -> bytes:
        """The bytes that ask."""
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            f"Host: {url_host(target.host)}:{target.port}",
            "Accept: */*",
            "Connection: close",
        ]
        if self.api_key and self.api_key.isprintable():
            lines.append(f"Authorization: Bearer {self.api_key}")
        if self.body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class HttpCall(asyncio.Protocol):
    """One connection with one answer."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._reader = AnswerReader(request.body_limit)
        self._transport: asyncio.Transport | None = None
        self._done: asyncio.Future[None] | None = None

    async def run(self, addresses: Iterable[str], target: ProbeTarget) -> Reply:
        """Ask and wait for the answer; redirects are not followed.

        Raises:
            OSError: no connection, or it broke.
        """
        self._done = asyncio.get_running_loop().create_future()
        try:
            self._transport = await connect(lambda: self, addresses, target)
            self._transport.write(self._request.encode(target))
            await self._done
            return self._reader.finish()
        finally:
            if self._transport is not None:
                self._transport.abort()

    def describe_silence(self, timeout_s: float) -> str:
        """How far it came until its time was over."""
        if self._transport is None:
            return f"hangs: no connection to its port in {timeout_s:g} s"
        if self._reader.has_begun:
            return f"hangs: its answer to {self._request.path} was not whole after {timeout_s:g} s"
        return f"hangs: it took the connection, and no answer to {self._request.path} came in {timeout_s:g} s"

    # -- called by the loop

    def data_received(self, data: bytes) -> None:
        """Take a piece of the answer."""
        if self._reader.feed(data):
            self._finish(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side closed, or the connection broke."""
        self._finish(exc)

    def _finish(self, error: Exception | None) -> None:
        if self._done is None or self._done.done():
            return
        if error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(error)


class HttpStream(HttpCall):
    """One connection whose answer is passed on as it comes."""

    def __init__(self, request: HttpRequest, on_piece: Callable[[int, bytes], None]) -> None:
        """`on_piece` gets the answer's status and a piece of its body on the loop's thread; ValueError ends it."""
        super().__init__(request)
        self._on_piece = on_piece

    def data_received(self, data: bytes) -> None:
        """Pass a piece of the answer on."""
        is_whole = self._reader.feed(data)
        try:
            if piece := self._reader.drain():
                self._on_piece(self._reader.status, piece)
        except ValueError as error:
            self._finish(error)
        if is_whole:
            self._finish(None)


class HttpAsker:
    """Asks over HTTP, and turns everything that prevents an answer into a result."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def ask(self, target: ProbeTarget, request: HttpRequest, timeout_s: float) -> Reply | ProbeResult:
        """The whole answer; or what its lack says of the server."""
        call = HttpCall(request)
        began = time.perf_counter()
        try:
            async with asyncio.timeout(timeout_s):
                reply = await call.run(await self._resolver.resolve(target.host), target)
        except TimeoutError:
            return ProbeResult(Answer.SILENT, time.perf_counter() - began, call.describe_silence(timeout_s))
        except OSError as error:
            return explain_error(error, target, request.path, time.perf_counter() - began)
        if reply.fault:
            fault = tidy(reply.fault, request.api_key)
            return ProbeResult(Answer.WRONG, time.perf_counter() - began, f"{request.path}: {fault}")
        return reply


async def connect(
    make_protocol: Callable[[], asyncio.Protocol], addresses: Iterable[str], target: ProbeTarget
) -> asyncio.Transport:
    """A connection to the first address that takes one.

    Raises:
        OSError: none does; of a host with several addresses, what the last one said.
    """
    loop = asyncio.get_running_loop()
    refusal: OSError = ConnectionRefusedError(errno.ECONNREFUSED, "the host has no address")
    for address in addresses:
        try:
            transport, _ = await loop.create_connection(
                make_protocol, address, target.port or 0, ssl=tls_context() if target.is_tls else None
            )
        except ConnectionRefusedError as error:
            refusal = error
        else:
            return transport
    raise refusal


def explain_error(error: OSError, target: ProbeTarget, what: str, latency_s: float) -> ProbeResult:
    """What a failed connection says of the server; `what` was asked for."""
    if isinstance(error, ConnectionRefusedError):
        return ProbeResult(Answer.REFUSED, latency_s, f"nobody listens on port {target.port}")
    if error.errno in OUR_TROUBLE:
        return ProbeResult(Answer.UNASKED, latency_s, f"could not be asked: {error.strerror}")
    if isinstance(error, ssl.SSLError):
        return ProbeResult(Answer.WRONG, latency_s, f"{what}: no TLS: {error.reason or error.strerror}")
    if isinstance(error, ConnectionError):
        return ProbeResult(Answer.WRONG, latency_s, f"{what}: the connection broke: {error.strerror or error}")
    return ProbeResult(Answer.WRONG, latency_s, f"{what}: {error.strerror or error}")


def tidy(text: str, secret: str = "") -> str:
    """Text of somebody else's, printable and short, on one line, without the secret that it may repeat."""
    if secret:
        text = text.replace(secret, "***")
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:SHOWN_CHARACTERS]


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """TLS without a look at the certificate: most are self-signed, and whose process answers is checked otherwise."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
