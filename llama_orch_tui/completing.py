"""What the shell offers after a tab: names and tags of the configuration."""

from __future__ import annotations

import os

import typer

import engine


def complete_instances(incomplete: str) -> list[str]:
    """The instances whose name begins so."""
    return _complete("instances", incomplete)


def complete_profiles(incomplete: str) -> list[str]:
    """The profiles whose name begins so."""
    return _complete("profiles", incomplete)


def complete_tags(incomplete: str) -> list[str]:
    """The tags that begin so."""
    return _filter(engine.list_tags(engine.find_home(os.environ).config_file), incomplete)


def complete_further_instances(context: typer.Context, incomplete: str) -> list[str]:
    """The instances whose name begins so and that are not among the arguments yet."""
    given = context.params.get("names") or ()
    return [name for name in complete_instances(incomplete) if name not in given]


def _complete(table: str, incomplete: str) -> list[str]:
    return _filter(engine.list_names(engine.find_home(os.environ).config_file, table), incomplete)


def _filter(words: tuple[str, ...], incomplete: str) -> list[str]:
    return [word for word in words if word.lower().startswith(incomplete.lower())]
