"""The names in a configuration file, for the shell that completes them: quick, and never an error."""

from __future__ import annotations

import tomllib
from pathlib import Path


def list_names(path: Path, table: str) -> tuple[str, ...]:
    """What `table` (``instances`` or ``profiles``) of the file names, in its order; none when it cannot be read."""
    return tuple(_read_table(path, table))


def list_tags(path: Path) -> tuple[str, ...]:
    """Every tag of an instance, each once; none when the file cannot be read."""
    tables = [_read_table(path, "defaults"), *_read_table(path, "instances").values()]
    lists = [table.get("tags") for table in tables if isinstance(table, dict)]
    return tuple(dict.fromkeys(tag for tags in lists if isinstance(tags, list) for tag in tags if isinstance(tag, str)))


def _read_table(path: Path, table: str) -> dict[str, object]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig")).get(table)
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
