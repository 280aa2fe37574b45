"""How old a release is, and which releases can talk with each other. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.process import records
from engine.state.migrations import SCHEMA_VERSION

PROTOCOL_VERSION = 1
"""Of the leader's protocol: raised when a frame changes its meaning, never for a key that is added."""


@dataclass(frozen=True, slots=True)
class Release:
    """The versions of everything by which two processes of this program meet."""

    program: str
    """For people, and for telling which of two releases with equal numbers is newer."""
    protocol: int = PROTOCOL_VERSION
    records: int = records.VERSION
    """Of run records and of the keeper's protocol."""
    schema: int = SCHEMA_VERSION
    """Of the state database."""

    def is_newer_than(self, other: Release) -> bool:
        """True for at most one of two releases, so that no two ever yield to each other in turn."""
        return self._age() > other._age()

    def speaks_with(self, other: Release) -> bool:
        """True when both understand the leader's protocol: each release speaks its own version and the one before."""
        return abs(self.protocol - other.protocol) <= 1

    def _age(self) -> tuple[int, int, int, tuple[int, ...]]:
        numbers = [int(part) for part in re.match(r"[\d.]*", self.program)[0].split(".") if part]  # type: ignore[index]
        while numbers and not numbers[-1]:
            numbers.pop()  # 1.2 and 1.2.0 are one release
        return self.schema, self.protocol, self.records, tuple(numbers)


def explain_unspoken(own: Release, leader: Release, who: str) -> str:
    """Why a console of the release `own` cannot talk with `leader`, and what to do about it."""
    fix = "run that version" if leader.is_newer_than(own) else "end it (its models run on), then retry"
    return (
        f"{who}: it is version {leader.program} and speaks protocol {leader.protocol},"
        f" this program {own.protocol}; {fix}"
    )


def explain_outdated(own: Release, schema: int) -> str:
    """Why a console of the release `own` cannot lead over a database of a later schema, and what to do about it."""
    return (
        f"written by a newer version (schema {schema}, version {own.program} knows {own.schema}): this one cannot"
        " supervise any more; update llama-orch-tui and start it anew, the models run on"
    )
