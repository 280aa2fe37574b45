"""Why a server died: its last words, exit code and signal, turned into what happened and what to do. Pure."""

from __future__ import annotations

import re
import signal as signals
from collections.abc import Iterable
from dataclasses import dataclass

from engine.health.causes_catalogue import CATALOGUE
from engine.health.signatures import CauseKind, Signature

READY = re.compile(r"listening on (?:https?|unix)://")
"""Printed when the model is loaded: what failed before it was overcome."""

IDLE_TALK = re.compile(r"\d+\.\d\d\.\d{3}\.\d{3} [ID] ")
"""The start of a line that llama.cpp itself calls information; most of a busy server's log, and never a cause."""

FROM_OUTSIDE = frozenset(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGKILL"])
"""Signals that somebody else sends: what the log says has nothing to do with them."""

WORD_LIMIT = 300
"""Characters of a path, flag or value that a message repeats."""
LINE_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a run ended that nobody had asked to end."""

    kind: CauseKind
    message: str
    """What happened, in plain words, with the path, flag or number concerned."""
    hint: str
    """What to do about it."""
    is_permanent: bool
    """The next try would end the same way: files, flags and models; not memory, ports and GPUs."""
    line: str = ""
    """The line of the log that says so; empty when the signal or the exit code says it all."""

    @property
    def sentence(self) -> str:
        """What happened; what to do about it."""
        return f"{self.message}; {self.hint}"


def find_cause(lines: Iterable[str], code: int | None, signal: int | None) -> Cause | None:
    """The cause of an end that nobody asked for; None when it ended well, or nothing is known of why.

    `lines` are the last words of the run that ended, oldest first, and of no run before it. Either `code` or `signal`
    tells how it ended; both are None when no record of that was left.
    """
    if code == 0:
        return None
    if signal is None:
        return _search(_after_ready(lines), CATALOGUE) or _explain_code(code)
    name = name_signal(signal)
    crashes = [] if name in FROM_OUTSIDE else [row for row in CATALOGUE if row.is_crash]
    return _search(_after_ready(lines), crashes) or _explain_signal(name)


def name_signal(number: int) -> str:
    """``SIGKILL`` and the like; ``signal 99`` for one that this system does not know."""
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _after_ready(lines: Iterable[str]) -> str:
    """The lines that may hold the cause, as one text."""
    kept: list[str] = []
    for line in lines:
        if READY.search(line):
            kept.clear()
        elif not IDLE_TALK.match(line):
            kept.append(line)
    return "\n".join(kept)


def _search(text: str, rows: Iterable[Signature]) -> Cause | None:
    """The first row that the text matches: the rows go from the specific to the general, whatever line was first."""
    for row in rows:
        if found := row.search(text):
            words = [(group or "")[:WORD_LIMIT] for group in found.groups()]
            start = text.rfind("\n", 0, found.start()) + 1
            line = text[start : start + LINE_LIMIT].partition("\n")[0].strip()
            return Cause(row.kind, row.message.format(*words), row.hint.format(*words), row.is_permanent, line)
    return None


_SIGNALS: dict[str, tuple[CauseKind, str, str]] = {
    "SIGKILL": (
        CauseKind.KILLED,
        "somebody's kill -9, or the system's out-of-memory killer",
        "`dmesg` or `journalctl -k` tells of the latter: then lower `ctx_size` or `parallel`, or take a smaller model",
    ),
    "SIGSEGV": (
        CauseKind.CRASHED,
        "it crashed on memory that is not its own",
        "when it comes again, update llama.cpp, or report it with the crash report's last lines",
    ),
    "SIGABRT": (
        CauseKind.CRASHED,
        "it gave up on an internal error",
        "the last lines of its log tell which; update llama.cpp, or report it with the crash report's last lines",
    ),
    "SIGBUS": (
        CauseKind.CRASHED,
        "a mapped file could not be read: it was cut short while in use, or its disk fails",
        "look at the disk, never write over a model in use, or add `--load-mode none` to `args`",
    ),
    "SIGILL": (
        CauseKind.CRASHED,
        "its build uses instructions that this processor lacks",
        "take a build of llama.cpp for this processor",
    ),
    "SIGFPE": (
        CauseKind.CRASHED,
        "it divided by zero",
        "update llama.cpp, or report it with the crash report's last lines",
    ),
    "SIGSYS": (
        CauseKind.CRASHED,
        "a sandbox forbade it a system call",
        "loosen the sandbox (seccomp, container, service unit) that this program runs in",
    ),
}


def _explain_signal(name: str) -> Cause:
    """What a signal alone tells."""
    if name in _SIGNALS:
        kind, words, hint = _SIGNALS[name]
        return Cause(kind, f"killed by {name}: {words}", hint, is_permanent=False)
    if name in FROM_OUTSIDE:
        return Cause(
            CauseKind.TOLD_TO_END,
            f"killed by {name}, which this program did not send",
            "find out who did; a stop with `stop` is remembered, a signal is not",
            is_permanent=False,
        )
    hint = "the last lines of its log may tell more, `ulimit -a` whether it met a limit"
    return Cause(CauseKind.CRASHED, f"killed by {name}", hint, is_permanent=False)


def _explain_code(code: int | None) -> Cause | None:
    """What an exit code alone tells: shells have two of their own."""
    if code not in (126, 127):
        return None
    what = "was not found" if code == 127 else "may not be executed"
    hint = "correct `binary` or `command` in its table, or what that script calls"
    return Cause(CauseKind.NOT_EXECUTABLE, f"exit code {code}: a program {what}", hint, is_permanent=True)
