"""One question to one server, and what its answer means. A probe takes at most its time-out and knows no history."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from engine.health.answers import Answer, ProbeResult
from engine.health.chores import Chores
from engine.health.http_answer import Reply
from engine.health.http_call import HttpAsker, HttpRequest, connect, explain_error, tidy
from engine.health.resolver import Resolver
from engine.health.scripts import CustomProbe
from engine.health.targets import ProbeKind, ProbeTarget

LOADING_STATUS = 503
CHORES_LIMIT_S = 0.2


class HealthProbe(Protocol):
    """Anything that can ask one server how it is."""

    async def check(self, target: ProbeTarget) -> ProbeResult:
        """Ask once; ends within the target's time-out (plus scheduling) and never raises for a sick server."""
        ...


class HTTPProbe:
    """GET a path, compare the status and look for a text. 503 is llama-server's "loading"."""

    def __init__(self, asker: HttpAsker) -> None:
        self._asker = asker

    async def check(self, target: ProbeTarget) -> ProbeResult:
        """Ask once over HTTP."""
        began = time.perf_counter()
        request = HttpRequest(target.path, api_key=target.api_key)
        reply = await self._asker.ask(target, request, target.timeout_s)
        if isinstance(reply, ProbeResult):
            return reply
        return judge_reply(reply, target, time.perf_counter() - began)


def judge_reply(reply: Reply, target: ProbeTarget, latency_s: float) -> ProbeResult:
    """What a whole answer says of the server."""
    if reply.status == target.expected_status:
        if target.expected_text and target.expected_text not in reply.body.decode(errors="replace"):
            detail = f"{target.path} answered {reply.status} without the text {target.expected_text!r}"
            return ProbeResult(Answer.WRONG, latency_s, detail)
        return ProbeResult(Answer.HEALTHY, latency_s)
    where = reply.headers.get("location", "") if 300 <= reply.status < 400 else ""
    detail = f"{target.path} answered {reply.status}" + (f" (to {tidy(where, target.api_key)})" if where else "")
    return ProbeResult(Answer.LOADING if reply.status == LOADING_STATUS else Answer.WRONG, latency_s, detail)


class TCPProbe:
    """The port accepts a connection."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def check(self, target: ProbeTarget) -> ProbeResult:
        """Connect once."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(target.timeout_s):
                transport = await connect(asyncio.Protocol, await self._resolver.resolve(target.host), target)
        except TimeoutError:
            detail = f"hangs: no connection to its port in {target.timeout_s:g} s"
            return ProbeResult(Answer.SILENT, time.perf_counter() - began, detail)
        except OSError as error:
            return explain_error(error, target, f"port {target.port}", time.perf_counter() - began)
        transport.abort()
        return ProbeResult(Answer.HEALTHY, time.perf_counter() - began)


class ProbeFactory:
    """The probe for each kind, over one set of helpers."""

    def __init__(self, chores: Chores) -> None:
        resolver = Resolver(chores)
        self.asker = HttpAsker(resolver)
        """For questions that are no health check."""
        self._probes: dict[ProbeKind, HealthProbe] = {
            ProbeKind.HTTP: HTTPProbe(self.asker),
            ProbeKind.TCP: TCPProbe(resolver),
            ProbeKind.CUSTOM: CustomProbe(chores),
        }

    def get(self, kind: ProbeKind) -> HealthProbe:
        """The probe for a kind; `ProbeKind.NONE` has none (KeyError)."""
        return self._probes[kind]


def check_once(target: ProbeTarget) -> ProbeResult:
    """Ask a server once, and wait for the answer: for a caller without an event loop of its own."""
    chores = Chores()
    try:
        return asyncio.run(ProbeFactory(chores).get(target.kind).check(target))
    finally:
        chores.close(CHORES_LIMIT_S)
