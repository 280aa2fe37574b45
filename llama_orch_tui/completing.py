"""What the shell offers after a tab: the names in the configuration."""

from __future__ import annotations

import os

import engine


def complete_instances(incomplete: str) -> list[str]:
    """The instances whose name begins so."""
    return _complete("instances", incomplete)


def complete_profiles(incomplete: str) -> list[str]:
    """The profiles whose name begins so."""
    return _complete("profiles", incomplete)


def _complete(table: str, incomplete: str) -> list[str]:
    names = engine.list_names(engine.find_home(os.environ).config_file, table)
    return [name for name in names if name.lower().startswith(incomplete.lower())]
