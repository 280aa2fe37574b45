"""The page about llama-orchestrator's checklist is complete, and every file and test that it names is there."""

from __future__ import annotations

import ast
import hashlib
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "v2-checklist.md"
LINES = 156
DIGEST = "74aef742b8007d3a66bdb560b65c149562f604927fb711b9d2b1bd8e9467935b"
"""SHA-256 of the checklist's lines in their order, so that none is lost or reworded."""

ROW = re.compile(r"^\| (?!line \||--- \|)(.+?) \| (.+) \|$", re.MULTILINE)
PLACE = re.compile(r"`([\w./-]+\.(?:py|md|toml|yml)|Makefile)(?:::(\w+))?`")
EXPLAINED = ("done differently, because ", "not done, because ")

ROWS: list[tuple[str, str]] = ROW.findall(PAGE.read_text(encoding="utf-8"))


@cache
def find_functions(path: Path) -> frozenset[str]:
    """The functions that a file defines, in classes, too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_line_of_the_checklist_is_there_as_it_was_written() -> None:
    lines = [line for line, _ in ROWS]
    assert len(lines) == LINES
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == DIGEST


@pytest.mark.parametrize(("line", "answer"), ROWS, ids=[f"{number}" for number in range(1, len(ROWS) + 1)])
def test_every_line_names_files_and_tests_that_exist_or_says_why_not(line: str, answer: str) -> None:
    places = PLACE.findall(answer)
    assert places or answer.startswith(EXPLAINED), line
    for path, test in places:
        assert (ROOT / path).is_file(), f"{line}: {path}"
        if test:
            assert test in find_functions(ROOT / path), f"{line}: {path}::{test}"
