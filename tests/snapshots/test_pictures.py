"""The console looks as it did when a person last looked at it."""

from __future__ import annotations

import difflib
import html
import re
from pathlib import Path

import pytest

from tests.snapshots.pictures import LARGE, LOOKS, PICTURES, SCENES, STORED, Look, draw, draw_in, path_of

DRAWN = Path(__file__).parents[2] / "build" / "pictures"
"""Where a picture is put that is not the stored one."""


@pytest.mark.parametrize(
    ("name", "look"),
    [
        pytest.param(name, look, id=f"{name}-{look}", marks=pytest.mark.xdist_group(f"{name}-{look.theme}"))
        for name, look in PICTURES
    ],
)
def test_the_screen_is_as_stored(name: str, look: Look) -> None:
    svg, stored = draw(name, look), path_of(name, look)
    before = stored.read_text(encoding="utf-8") if stored.exists() else ""
    if svg != before:
        now = DRAWN / name / stored.name
        now.parent.mkdir(parents=True, exist_ok=True)
        now.write_text(svg, encoding="utf-8")
        words = "\n".join(difflib.unified_diff(lines(before), lines(svg), "stored", "drawn", lineterm="", n=0))
        pytest.fail(f"{name} is drawn otherwise; see {now} beside {stored}\n{words or 'only in its colours'}")


def test_no_picture_is_left_over() -> None:
    assert {*STORED.rglob("*.svg")} == {path_of(*one) for one in PICTURES}


@pytest.mark.parametrize("name", ["busy", "describe", "form"])
def test_a_console_turned_to_a_size_looks_as_one_that_began_with_it(name: str) -> None:
    begun = draw_in(name, (LARGE,))[LARGE]

    assert lines(draw(name, LARGE)) == lines(begun)
    assert draw(name, LARGE) == begun


def test_every_look_is_drawn_of_nearly_every_scene() -> None:
    assert sum(scene.looks == LOOKS for scene in SCENES.values()) >= 20


def lines(svg: str) -> list[str]:
    """The words of a picture, line by line."""
    found: dict[float, list[tuple[float, str]]] = {}
    for x, y, text in re.findall(r'<text class="terminal-r\d+" x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>', svg):
        found.setdefault(float(y), []).append((float(x), html.unescape(text).replace("\xa0", " ")))
    return ["".join(text for _, text in sorted(found[y])) for y in sorted(found)]
