"""Where the embedded server's program is, and whether it can run."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from engine.errors import BinaryNotFoundError

INSTALL_COMMAND = '`pip install "llama-orch-tui[embedded]"` (or `pipx inject llama-orch-tui xllamacpp gguf`)'
"""What a person types to get the embedded llama.cpp."""

LAUNCHER_PATH = Path(__file__).with_name("launcher.py").absolute()


def find_launcher() -> tuple[str, ...]:
    """The first words of the embedded server's command line; the flags of `llama-server` follow them.

    Raises:
        BinaryNotFoundError: xllamacpp, which holds llama.cpp, is not installed.
    """
    if find_spec("xllamacpp") is None:
        raise BinaryNotFoundError(f"embedded llama.cpp: xllamacpp is not installed; run: {INSTALL_COMMAND}")
    # -I: the server's Python sees neither the user's site folder nor PYTHON* variables nor the working folder.
    return (sys.executable, "-I", str(LAUNCHER_PATH))
