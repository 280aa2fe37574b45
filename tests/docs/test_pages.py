"""The documentation says what the program is: keys, commands, options and exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from engine.errors import EXIT_CODE_MEANINGS
from llama_orch_tui.cli import app
from tests.fakes.homes import throw_away_home

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


def test_the_generated_parts_are_in_step() -> None:
    done = subprocess.run(
        [sys.executable, "docs/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_is_reached_from_the_readme() -> None:
    linked = set(LINK.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert {f"docs/{page.name}" for page in PAGES[1:]} <= linked


def _name_commands(group: typer.Typer, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for command in group.registered_commands:
        yield (*path, command.name or str(getattr(command.callback, "__name__", "")))
    for below in group.registered_groups:
        if below.typer_instance is not None:
            yield from _name_commands(below.typer_instance, (*path, str(below.name)))


@pytest.mark.parametrize("command", list(_name_commands(app)), ids=" ".join)
def test_help_prints_the_table_of_exit_codes(command: tuple[str, ...]) -> None:
    with throw_away_home() as home:
        told = home.run_cli(*command, "--help").stdout
    for code, meaning in EXIT_CODE_MEANINGS.items():
        assert re.search(rf"\b{int(code)}\s+{re.escape(meaning[:20])}", told), meaning
