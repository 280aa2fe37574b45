"""All there is to say about one instance, as it leaves the engine: sections, values in force, points of its health.

Standard library only, as everything that leaves the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.topics import Topic

if TYPE_CHECKING:
    from engine.snapshots import Health


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """One value of the configuration, secrets hidden."""

    key: str
    """With dots: ``healthcheck.interval``."""
    value: str
    """As a person reads it."""
    origin: str
    """Where it comes from: ``line 12``, ``[defaults], line 4``, ``default``."""
    is_built_in: bool
    """True when no line of the file says it."""


@dataclass(frozen=True, slots=True)
class HealthPoint:
    """One check, as it was stored."""

    ts: float
    health: Health
    latency_ms: float | None
    message: str


@dataclass(frozen=True, slots=True)
class DescribeSection:
    """One titled group of facts."""

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()
    topic: Topic = Topic.OVERVIEW


@dataclass(frozen=True, slots=True)
class Description:
    """All there is to say about one instance, for the describe screen and command alike."""

    name: str
    command_line: str
    """The redacted command line, quoted for a shell."""
    sections: tuple[DescribeSection, ...] = ()
    settings: tuple[SettingInForce, ...] = ()
    """The configuration in force, as its section has it, in parts."""
    health: tuple[HealthPoint, ...] = ()
    """The newest checks, oldest first: more of them than the section has."""
