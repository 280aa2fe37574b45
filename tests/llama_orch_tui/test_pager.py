"""The log in the operator's own pager: which one, what it is given, and that its end is the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.snapshots import LogLine, Stream
from llama_orch_tui.pager import CHUNK_LINES, find_pager, run_pager
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import TRIO, engine_of, snapshot


def there(*programs: str) -> object:
    return lambda name: f"/usr/bin/{name}" if name in programs else None


@pytest.mark.parametrize(
    ("pager", "programs", "found"),
    [
        ("", ("less", "more"), ("less",)),
        ("", ("more",), ("more",)),
        ("bat --paging 'always now'", ("bat",), ("bat", "--paging", "always now")),
    ],
)
def test_the_pager_is_what_the_environment_says_else_a_usual_one(
    pager: str, programs: tuple[str, ...], found: tuple[str, ...]
) -> None:
    assert find_pager({"PAGER": pager}, there(*programs)) == found  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pager", "words"),
    [("", "there is no pager"), ("most", "PAGER names most"), ("'less", "close the quotes")],
)
def test_a_pager_that_is_not_to_be_had_is_named(pager: str, words: str) -> None:
    with pytest.raises(EngineError, match=words):
        find_pager({"PAGER": pager}, there())  # type: ignore[arg-type]


def reader(target: Path, lines: str = "") -> tuple[str, ...]:
    """A pager that keeps what it reads."""
    code = f"import sys; open({str(target)!r}, 'w').write(sys.stdin.{'readline' if lines else 'read'}())"
    return (sys.executable, "-c", code)


def many(count: int, seen: list[int]) -> Iterator[LogLine]:
    for number in range(count):
        seen.append(number)
        yield LogLine(f"line {number}", Stream.STDERR, name="a" if number % 2 else "")


def test_all_lines_come_in_order_with_their_names(tmp_path: Path) -> None:
    assert run_pager(reader(tmp_path / "read"), many(2500, [])) == ""
    read = (tmp_path / "read").read_text().splitlines()
    assert len(read) == 2500
    assert read[1].startswith("a | ")
    assert read[2499].endswith("line 2499")


def test_a_pager_that_is_left_early_ends_the_reading(tmp_path: Path) -> None:
    seen: list[int] = []
    assert run_pager(reader(tmp_path / "read", "one"), many(3_000_000, seen)) == ""
    assert len(seen) < 3_000_000
    assert len(seen) >= CHUNK_LINES


def test_a_pager_that_fails_is_told() -> None:
    assert "ended with code 3" in run_pager((sys.executable, "-c", "raise SystemExit(3)"), many(1, []))
    assert "/no/such/pager: cannot be run: no such file" in run_pager(("/no/such/pager",), many(1, []))


def test_a_terminal_that_cannot_be_lent_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER", sys.executable)

    async def script(operator: Operator) -> None:
        await operator.press("l")
        await operator.press("P")
        await operator.until(lambda: any("cannot be lent" in message for _, message in operator.told()))

    drive(engine_of(snapshot(TRIO)), script)
