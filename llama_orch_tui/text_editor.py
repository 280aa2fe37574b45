"""The operator's own text editor: which one it is, and how it is told to begin at a line."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath

from engine.editing import FilePlace
from engine.errors import EngineError

VARIABLES = ("VISUAL", "EDITOR")
USUAL = ("sensible-editor", "nano", "vim", "vi")
USUAL_ON_WINDOWS = ("notepad",)

_PLUS_LINE = frozenset(
    "vi vim nvim nano pico emacs emacsclient micro kak joe mg ne sensible-editor editor".split()  # noqa: SIM905
)
"""Take ``+LINE`` before the file."""
_COLON_LINE = frozenset({"hx", "helix", "subl", "zed"})
"""Take ``FILE:LINE``."""
_GOTO_LINE = frozenset({"code", "codium", "cursor"})
"""Take ``--goto FILE:LINE``, and return at once unless they are told to wait."""


def find_editor(
    environ: Mapping[str, str], platform: str, which: Callable[[str], str | None] = shutil.which
) -> tuple[str, ...]:
    """The editor's program and arguments: what `VISUAL` or `EDITOR` says, else the first usual one that is there.

    Raises:
        EngineError: there is none; the message says what to do.
    """
    is_windows = platform == "win32"
    for variable in VARIABLES:
        text = environ.get(variable, "").strip()
        if not text:
            continue
        try:
            argv = shlex.split(text, posix=not is_windows)
        except ValueError as error:
            raise EngineError(f"{variable}: {str(error).lower()}; close the quotes") from error
        argv = [part.strip('"') for part in argv] if is_windows else argv
        if not argv or which(argv[0]) is None:
            raise EngineError(f"{variable} names {argv[0] if argv else 'nothing'}, which is not there; set another")
        return tuple(argv)
    for program in USUAL_ON_WINDOWS if is_windows else USUAL:
        if which(program) is not None:
            return (program,)
    raise EngineError("there is no editor; set the environment variable EDITOR to one, as in EDITOR=nano")


def build_editor_argv(editor: Sequence[str], place: FilePlace) -> list[str]:
    """The whole command line; without the line for an editor that cannot be told it."""
    name = PurePath(editor[0].replace("\\", "/")).name.lower().removesuffix(".exe").removesuffix(".cmd")
    if name in _GOTO_LINE:
        wait = [] if {"-w", "--wait"} & set(editor) else ["--wait"]
        where = place.path if place.line is None else f"{place.path}:{place.line}"
        return [*editor, *wait, "--goto", where]
    if place.line is None:
        return [*editor, place.path]
    if name in _COLON_LINE:
        return [*editor, f"{place.path}:{place.line}"]
    if name in _PLUS_LINE:
        return [*editor, f"+{place.line}", place.path]
    return [*editor, place.path]


def run_editor(argv: Sequence[str]) -> str:
    """Let the operator edit; what went wrong, in words, or nothing. The terminal must be the editor's meanwhile."""
    before = signal.signal(signal.SIGINT, lambda *_: None)  # for the editor alone; ignoring it would be inherited
    try:
        code = subprocess.run(argv, check=False).returncode
    except OSError as error:
        return f"{argv[0]}: cannot be run: {(error.strerror or str(error)).lower()}"
    finally:
        signal.signal(signal.SIGINT, before)
    return f"{argv[0]} ended with code {code}" if code else ""
