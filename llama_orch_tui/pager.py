"""The operator's own pager: which one it is, and how a log comes to it."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping

from engine.errors import EngineError
from engine.snapshots import LogLine

USUAL = ("less", "more")
CHUNK_LINES = 1000
"""Lines handed over at once; in between it is seen whether the pager has been left."""


def find_pager(environ: Mapping[str, str], which: Callable[[str], str | None] = shutil.which) -> tuple[str, ...]:
    """The pager's program and arguments: what `PAGER` says, else the first usual one that is there.

    Raises:
        EngineError: there is none; the message says what to do.
    """
    text = environ.get("PAGER", "").strip()
    if not text:
        if program := next((one for one in USUAL if which(one) is not None), None):
            return (program,)
        raise EngineError("there is no pager; set the environment variable PAGER to one, as in PAGER=less")
    try:
        argv = shlex.split(text)
    except ValueError as error:
        raise EngineError(f"PAGER: {str(error).lower()}; close the quotes") from error
    if which(argv[0]) is None:
        raise EngineError(f"PAGER names {argv[0]}, which is not there; set another")
    return tuple(argv)


def run_pager(argv: tuple[str, ...], lines: Iterable[LogLine]) -> str:
    """Let the operator read; what went wrong, in words, or nothing. The terminal must be the pager's meanwhile.

    Lines are read as the pager takes them, so that memory holds a few however long the log is.

    Raises:
        EngineError: the log cannot be read.
    """
    before = signal.signal(signal.SIGINT, lambda *_: None)  # for the pager alone; ignoring it would be inherited
    try:
        with subprocess.Popen(argv, stdin=subprocess.PIPE) as program:
            if program.stdin is not None:
                with contextlib.suppress(BrokenPipeError), program.stdin as pipe:
                    for text in _chunks(lines):
                        if program.poll() is not None:
                            break
                        pipe.write(text.encode("utf-8", "replace"))
        return f"{argv[0]} ended with code {program.returncode}" if program.returncode else ""
    except OSError as error:
        return f"{argv[0]}: cannot be run: {(error.strerror or str(error)).lower()}"
    finally:
        signal.signal(signal.SIGINT, before)


def _chunks(lines: Iterable[LogLine]) -> Iterable[str]:
    held: list[str] = []
    for line in lines:
        held.append(f"{line.name} | {line.text}\n" if line.name else f"{line.text}\n")
        if len(held) == CHUNK_LINES:
            yield "".join(held)
            held.clear()
    yield "".join(held)
