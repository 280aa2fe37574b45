"""Whose logs the log pane shows: one instance's, or several merged."""

from __future__ import annotations

from dataclasses import dataclass

MERGED_LIMIT = 24
"""Each log has up to sixteen files open, and a terminal's programs often may open 1024."""


@dataclass(frozen=True, slots=True)
class LogScope:
    """The instances whose logs are shown, and how many there would be."""

    names: tuple[str, ...] = ()
    wanted: int = 1

    @property
    def is_empty(self) -> bool:
        """True before there is any log."""
        return not self.names

    @property
    def is_merged(self) -> bool:
        """True for more than one instance."""
        return len(self.names) > 1

    @property
    def name(self) -> str | None:
        """The only instance; None when there is none, or more than one."""
        return self.names[0] if len(self.names) == 1 else None

    @property
    def title(self) -> str:
        """What the pane is called."""
        if self.wanted > len(self.names):
            return f"{len(self.names)} of {self.wanted}: mark the others to see them"
        return f"{len(self.names)} instances" if self.is_merged else "".join(self.names)


def choose_merged(marks: frozenset[str], names: tuple[str, ...]) -> LogScope:
    """The marked instances, or all when fewer than two are marked, in the file's order."""
    chosen = tuple(name for name in names if name in marks) if len(marks) > 1 else names
    return LogScope(chosen[:MERGED_LIMIT], len(chosen))
