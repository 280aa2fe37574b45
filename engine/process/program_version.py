"""What a server program says of its own version: asked once for each file, and again when the file has changed."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from engine.config.binary import BinaryKind, ServerBinary
from engine.process import system

ANSWER_LIMIT_S = 2.0
"""llama-server answers in about 10 ms; what takes longer is no llama-server, and is not waited for again."""
KEPT_BYTES = 4096
LONGEST = 100
_VERSION = re.compile(r"^version: *(.+?)\s*$", re.MULTILINE)
_NO_PREFIX = ("LLAMA_",)
"""Variables that would make a server of a question."""


class ProgramVersions:
    """May be asked by many threads at once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {key: value for key, value in environ.items() if not key.startswith(_NO_PREFIX)}
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int, int], str] = {}

    def ask(self, server: ServerBinary) -> str:
        """The version of a server program, one line; empty when it does not say."""
        if server.kind is BinaryKind.EMBEDDED:
            return _find_embedded_version()
        try:
            found = Path(server.path).stat()
        except OSError:
            return ""
        key = (server.path, found.st_mtime_ns, found.st_size)
        with self._lock:  # two hundred starts at once ask once
            if key not in self._known:
                self._known[key] = _ask_program(server.argv, self._environ)
            return self._known[key]


def _find_embedded_version() -> str:
    try:
        return f"xllamacpp {metadata.version('xllamacpp')}"
    except metadata.PackageNotFoundError:
        return ""


def _ask_program(argv: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """Its answer goes to a file: a pipe would be held open by whatever a wrapper leaves behind."""
    with tempfile.TemporaryFile() as answer:
        try:
            program = subprocess.Popen(
                [*argv, "--version"],
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError:
            return ""
        try:
            program.wait(ANSWER_LIMIT_S)
        except subprocess.TimeoutExpired:
            system.kill_session(program.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):  # stuck inside the kernel: nobody waits for it
                program.wait(ANSWER_LIMIT_S)
            return ""
        answer.seek(0)
        return parse_version(os.fsdecode(answer.read(KEPT_BYTES)))


def parse_version(said: str) -> str:
    """The version in what ``--version`` printed; empty when it is not there."""
    found = _VERSION.search(said)
    words = found[1] if found else ""
    return "".join(char for char in words if char.isprintable())[:LONGEST]
