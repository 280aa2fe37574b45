"""One question to one server, and what its answer means. A probe takes at most its time-out and knows no history."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import httpx

from engine.health.answers import Answer, ProbeResult
from engine.process import system

OUTPUT_LIMIT = 200
"""Characters of a custom script's output kept for the event."""


class ProbeKind(StrEnum):
    """How an instance is asked."""

    HTTP = "http"
    TCP = "tcp"
    CUSTOM = "custom"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """Whom to ask, and how."""

    name: str
    kind: ProbeKind
    host: str
    port: int | None
    path: str = "/health"
    expected_status: int = 200
    script: str = ""
    timeout_s: float = 5.0
    api_key: str = field(default="", repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Environment of a custom script."""


class HealthProbe(Protocol):
    """Anything that can ask one server how it is."""

    def check(self, target: ProbeTarget) -> ProbeResult:
        """Ask once; returns within the target's time-out (plus scheduling) and never raises for a sick server."""
        ...


class HTTPProbe:
    """GET a path and compare the status. 503 is llama-server's "loading"."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def check(self, target: ProbeTarget) -> ProbeResult:
        """Ask once over HTTP."""
        headers = {"Connection": "close"}
        if target.api_key:
            headers["Authorization"] = f"Bearer {target.api_key}"
        began = time.perf_counter()
        try:
            response = self._client.get(
                f"http://{url_host(target.host)}:{target.port}{target.path}", headers=headers, timeout=target.timeout_s
            )
        except httpx.ConnectError as error:
            return ProbeResult(Answer.LOADING, time.perf_counter() - began, f"nobody listens: {error}")
        except httpx.TimeoutException:
            return ProbeResult(
                Answer.SILENT, time.perf_counter() - began, f"no answer to {target.path} in {target.timeout_s:g} s"
            )
        except httpx.HTTPError as error:
            return ProbeResult(Answer.WRONG, time.perf_counter() - began, f"{target.path}: {error}")
        latency = time.perf_counter() - began
        if response.status_code == target.expected_status:
            return ProbeResult(Answer.HEALTHY, latency)
        answer = Answer.LOADING if response.status_code == httpx.codes.SERVICE_UNAVAILABLE else Answer.WRONG
        return ProbeResult(answer, latency, f"{target.path} answered {response.status_code}")


class TCPProbe:
    """The port accepts a connection."""

    def check(self, target: ProbeTarget) -> ProbeResult:
        """Connect once."""
        began = time.perf_counter()
        try:
            address = (dial_host(target.host), target.port or 0)
            with socket.create_connection(address, timeout=target.timeout_s):
                return ProbeResult(Answer.HEALTHY, time.perf_counter() - began)
        except TimeoutError:
            return ProbeResult(Answer.SILENT, time.perf_counter() - began, f"port {target.port} does not accept")
        except OSError as error:
            return ProbeResult(Answer.LOADING, time.perf_counter() - began, f"nobody listens: {error.strerror}")


class CustomProbe:
    """Execute a script that is told host, port and name in its environment; exit code 0 is healthy."""

    def check(self, target: ProbeTarget) -> ProbeResult:
        """Execute once; killed with its children when it takes too long."""
        began = time.perf_counter()
        variables = {
            **target.env,
            "LLAMA_ORCH_NAME": target.name,
            "LLAMA_ORCH_HOST": target.host,
            "LLAMA_ORCH_PORT": str(target.port or ""),
        }
        try:
            script = subprocess.Popen(
                [target.script],
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return ProbeResult(Answer.WRONG, 0.0, f"{target.script}: {error.strerror}")
        with script:
            try:
                output, _ = script.communicate(timeout=target.timeout_s)
            except subprocess.TimeoutExpired:
                system.kill_session(script.pid)
                return ProbeResult(
                    Answer.SILENT, time.perf_counter() - began, f"{target.script}: not done in {target.timeout_s:g} s"
                )
        said = os.fsdecode(output).strip()[-OUTPUT_LIMIT:]
        answer = Answer.HEALTHY if script.returncode == 0 else Answer.WRONG
        return ProbeResult(answer, time.perf_counter() - began, f"exit code {script.returncode}{said and ': ' + said}")


class ProbeFactory:
    """The probe for each kind; the HTTP client is made at the first need and shared by all threads."""

    def __init__(self) -> None:
        self._client = httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
        self._probes: dict[ProbeKind, HealthProbe] = {
            ProbeKind.HTTP: HTTPProbe(self._client),
            ProbeKind.TCP: TCPProbe(),
            ProbeKind.CUSTOM: CustomProbe(),
        }

    def get(self, kind: ProbeKind) -> HealthProbe:
        """The probe for a kind; `ProbeKind.NONE` has none (KeyError)."""
        return self._probes[kind]

    def close(self) -> None:
        """Close the HTTP client."""
        self._client.close()


def dial_host(host: str) -> str:
    """Where to connect for a server that listens on `host`: a wildcard is reached over loopback."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared with


def url_host(host: str) -> str:
    """`dial_host`, bracketed for a URL when it is an IPv6 address."""
    found = dial_host(host)
    return f"[{found}]" if ":" in found else found
