"""How loud a line of a log is: by llama.cpp's own letter, or by the words that other programs use."""

from __future__ import annotations

import re

from engine.log_asking import LogLevel

LLAMA_PREFIX = re.compile(r"\d+\.\d\d\.\d{3}\.\d{3} ([DIWE]) ")
"""llama.cpp's time since start, then one letter for the level."""

LETTERS = {"D": LogLevel.DEBUG, "I": LogLevel.INFO, "W": LogLevel.WARNING, "E": LogLevel.ERROR}

_REACH = r"(?!\d+\.\d\d\.\d{3}\.\d{3} [DIWE] ).{0,60}?"
"""How far from its start a line of another program says its level."""
_ERROR_WORDS = r"\b(?:ERROR|FATAL|CRITICAL|(?i:error|fatal|critical):|Traceback \()"
_WARNING_WORDS = r"\b(?:WARN|WARNING|(?i:warn|warning):)(?!\w)"

_OTHER_ERROR = re.compile(_REACH + _ERROR_WORDS)
_OTHER_WARNING = re.compile(_REACH + _WARNING_WORDS)


def level_of(text: str) -> LogLevel | None:
    """The level that a line, as it is shown, claims for itself; None when it claims none."""
    if prefix := LLAMA_PREFIX.match(text):
        return LETTERS[prefix[1]]
    if _OTHER_ERROR.match(text):
        return LogLevel.ERROR
    return LogLevel.WARNING if _OTHER_WARNING.match(text) else None


def at_least(least: LogLevel) -> re.Pattern[str]:
    """What matches, at a line's start, exactly the lines whose `level_of` is `least` or louder."""
    levels = list(LogLevel)
    wanted = "".join(letter for letter, level in LETTERS.items() if levels.index(level) >= levels.index(least))
    words = _ERROR_WORDS if least is LogLevel.ERROR else f"(?:{_ERROR_WORDS}|{_WARNING_WORDS})"
    return re.compile(rf"\d+\.\d\d\.\d{{3}}\.\d{{3}} [{wanted}] |{_REACH}{words}")
