"""What to say of a database that cannot be used."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from engine.errors import StateError
from engine.paths import find_state_backups


def describe_damage(path: Path, error: sqlite3.Error) -> StateError:
    """What to say of a database whose content makes no sense; nothing is ever written over it."""
    copies = find_state_backups(path)
    copy = f", for one {copies[-1].name}" if copies else ""
    return StateError(f"{path}: damaged ({error}); move it away to begin anew, or put a copy of it in its place{copy}")


def describe_trouble(path: Path, error: Exception) -> str:
    """What went wrong with the database at `path`; some errors name it themselves."""
    return str(error) if str(path) in str(error) else f"{path}: {error}"
