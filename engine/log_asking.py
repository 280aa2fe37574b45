"""What a screen may ask of a log view, and what the view answers: patterns, filters, searches, windows."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import UsageError
from engine.snapshots import LogLine

_ESCAPES = re.compile(r"\\.", re.DOTALL)


class LogLevel(StrEnum):
    """How loud a line is, the quietest first."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Seek(StrEnum):
    """Where a search stands on its way to the next hit."""

    IDLE = "idle"
    """Nobody asked for a hit yet."""
    SEEKING = "seeking"
    FOUND = "found"
    WRAPPED = "wrapped"
    """Found, after going on from the other end of the log."""
    NOTHING = "nothing"
    """No line of the whole log matches."""


@dataclass(frozen=True, slots=True)
class LogPattern:
    """A text to look for, or a regular expression. Case counts only when there is an upper-case letter in it."""

    text: str
    is_regex: bool = False

    @property
    def folds_case(self) -> bool:
        """True when upper and lower case are the same to it."""
        bare = _ESCAPES.sub("", self.text) if self.is_regex else self.text
        return bare == bare.lower()

    def compiled(self) -> re.Pattern[str]:
        """What finds it in a line as it is shown.

        Raises:
            UsageError: it is no regular expression.
        """
        source = self.text if self.is_regex else re.escape(self.text)
        flags = re.IGNORECASE if self.folds_case else re.NOFLAG
        if not self.is_regex and self.text.isascii():
            flags |= re.ASCII  # then bytes can be searched: no letter beyond ASCII equals one of its own
        try:
            with warnings.catch_warnings(action="ignore"):  # a doubtful set is no reason to write over the screen
                return re.compile(source, flags)
        except (re.error, OverflowError, RecursionError) as error:
            raise UsageError(f"{self.text}: not a regular expression: {error}") from error


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines are shown; the default shows all."""

    pattern: LogPattern | None = None
    least: LogLevel | None = None
    """Only lines of this level or louder ones."""

    def __bool__(self) -> bool:
        """True when it leaves anything out."""
        return self.pattern is not None or self.least is not None


@dataclass(frozen=True, slots=True)
class LogSearch:
    """How a search stands."""

    pattern: LogPattern
    hits: int = 0
    """Matching lines counted so far."""
    counted: float = 0.0
    """Share (0 to 1) of the log that has been counted."""
    seek: Seek = Seek.IDLE


@dataclass(frozen=True, slots=True)
class LogWindow:
    """The part of a log (one instance's, or several merged) that a screen looks at."""

    name: str
    lines: tuple[LogLine, ...] = ()
    at_end: bool = True
    """True while it follows the newest line."""
    top: float = 0.0
    """Where the window starts, as a share (0 to 1) of all kept bytes."""
    size_bytes: int = 0
    """All bytes kept of this log, rotated pieces included."""
    new_lines: int = 0
    """Lines that came below the window since it stopped following (0 while it follows)."""
    error: str = ""
    """Why nothing can be read, for a person; empty when all is well."""
    current: int | None = None
    """The line (an index into ``lines``) that a search or a jump led to."""
    is_filling: bool = False
    """True while more lines are being looked for, as a filter that matches little takes its time."""
    search: LogSearch | None = None
    """How the search stands; None while nothing is searched."""
