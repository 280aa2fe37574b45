"""Whom to ask, and how: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ProbeKind(StrEnum):
    """How an instance is asked."""

    HTTP = "http"
    TCP = "tcp"
    CUSTOM = "custom"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """One server and the question it is asked."""

    name: str
    kind: ProbeKind
    host: str
    port: int | None
    path: str = "/health"
    expected_status: int = 200
    expected_text: str = ""
    """What the body of a healthy answer holds; empty is anything."""
    script: str = ""
    timeout_s: float = 5.0
    is_tls: bool = False
    api_key: str = field(default="", repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Environment of a custom script, over our own."""
    is_embedding: bool = False
    """It embeds texts and completes none."""


def dial_host(host: str) -> str:
    """Where to connect for a server that listens on `host`: a wildcard is reached over loopback."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared with


def url_host(host: str) -> str:
    """`dial_host`, bracketed for a URL when it is an IPv6 address."""
    found = dial_host(host)
    return f"[{found}]" if ":" in found else found
