"""The engine's face, and the walls that no linter sees."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import engine
from engine import errors

ROOT = Path(__file__).parents[2]
PRODUCT = [
    path for folder in ("engine", "widgets", "themes", "llama_orch_tui") for path in (ROOT / folder).rglob("*.py")
]


def test_every_name_of_the_face_is_there() -> None:
    for name in engine.__all__:
        assert getattr(engine, name) is not None


def test_the_face_its_homes_and_its_types_name_the_same() -> None:
    tree = ast.parse(Path(engine.__file__).read_text())
    typed = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("engine.")
        for alias in node.names
    }
    assert set(engine.__all__) == set(engine._HOMES) == typed


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        engine.nonsense  # noqa: B018 - looking it up is the point


def test_the_engine_comes_without_a_screen() -> None:
    """In a fresh process: the whole engine, and no Textual, no typer (httpx brings rich along where it finds it)."""
    program = (
        "import sys, engine\n"
        "for name in engine.__all__: getattr(engine, name)\n"
        "print([m for m in ('textual', 'typer', 'widgets', 'llama_orch_tui') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_error_has_an_exit_code_and_stands_in_the_tree() -> None:
    drawn = errors.__doc__ or ""
    found = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.EngineError)]
    assert len(found) > 10
    for one in found:
        assert isinstance(one.exit_code, errors.ExitCode)
        assert one.__name__ in drawn, one.__name__


def test_every_exit_code_has_a_meaning() -> None:
    assert set(errors.EXIT_CODE_MEANINGS) == set(errors.ExitCode)


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_stays_readable(path: Path) -> None:
    """At most 400 lines a module, 300 a class, 40 a function."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        size = (getattr(node, "end_lineno", 0) or 0) - getattr(node, "lineno", 0) + 1
        if isinstance(node, ast.ClassDef):
            assert size <= 300, node.name
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert size <= 40, node.name
