"""The names in a configuration file, for the shell that completes them: quick, and never an error."""

from __future__ import annotations

import tomllib
from pathlib import Path


def list_names(path: Path, table: str) -> tuple[str, ...]:
    """What `table` (``instances`` or ``profiles``) of the file names, in its order; none when it cannot be read."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig")).get(table, {})
    except (OSError, ValueError, RecursionError):
        return ()
    return tuple(found) if isinstance(found, dict) else ()
