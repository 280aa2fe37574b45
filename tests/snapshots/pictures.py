"""The pictures of the console: one table of scenes and looks, and how they are drawn.

``make snapshots`` stores them as they are drawn now; a person looks at them before they are committed.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from textual.widgets import Input

from engine.log_asking import LogPattern, LogSearch, Seek
from llama_orch_tui.app import ConsoleApp
from tests.fakes.console import Operator, settle
from tests.fakes.scenes import BUSY, LOG_LINES, NOW, TRIO, engine_of, first_run, snapshot
from tests.fakes.still_engine import StillEngine
from tests.snapshots import scenes_shown as shown
from themes import DARK, LIGHT

STORED = Path(__file__).with_name("pictures")
FIXED: dict[str, str | None] = {"TZ": "UTC", "NO_COLOR": None, "TEXTUAL_THEME": None}
"""Pictures show clock times and colours: the machine's own are kept out of them."""


@dataclass(frozen=True, slots=True)
class Look:
    """A terminal that a scene is looked at in."""

    size: tuple[int, int]
    theme: str

    def __str__(self) -> str:
        return f"{self.size[0]}x{self.size[1]}-{self.theme.removeprefix('lorch-')}"


SMALL, MIDDLE, LARGE = Look((80, 24), DARK.name), Look((120, 40), DARK.name), Look((200, 60), DARK.name)
LOOKS = (SMALL, MIDDLE, LARGE, Look((120, 40), LIGHT.name))
"""Every screen is drawn in all of these, in this order."""

Step = Callable[[Operator], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """A screen, and how to get there."""

    engine: Callable[[], StillEngine]
    keys: tuple[str, ...]
    until: str
    """What stands on the screen when it is there."""
    step: Step | None = None
    """What else happens, behind the keys."""
    first: str = ""
    """What has to stand there before the keys; what comes by a timer would else be there or not."""
    looks: tuple[Look, ...] = LOOKS


async def _hear_an_answer(operator: Operator) -> None:
    await operator.press(*"Why", "space", *"keepers?", "enter")
    operator.engine.chats[-1].published = shown.ANSWER


async def _find_hits(operator: Operator) -> None:
    search = LogSearch(LogPattern("load"), 2, 1.0, Seek.FOUND)
    operator.view.publish(
        replace(operator.view.window(), search=search, current=2, at_end=False, new_lines=7, lines=LOG_LINES)
    )


async def _stop_blinking(operator: Operator) -> None:
    operator.app.screen.query_one(Input).cursor_blink = False


async def _see_two_minutes(operator: Operator) -> None:
    """Curves need a past."""
    base = operator.engine.published
    for number in range(60):
        one = base.instances[0]
        cpu, memory = 80.0 + 4 * (number % 13), (2 << 30) + number * (8 << 20)
        load = replace(one.load, tokens_per_s=30.0 + number % 17) if one.load is not None else None
        seen = replace(one, cpu_percent=cpu, memory_bytes=memory, load=load, probe_s=0.002 + number % 5 / 1000)
        rows = (seen, *base.instances[1:])
        operator.engine.publish(replace(base, seq=2 + number, taken_at=NOW - 120 + 2 * number, instances=rows))
        operator.app.poll_engine()


def _tab(number: int, until: str, step: Step | None = None) -> Scene:
    return Scene(shown.described, ("d", str(number)), until, step, looks=(MIDDLE,))


SCENES: dict[str, Scene] = {
    "busy": Scene(shown.engine_at_work, (), "4/4+3"),
    "three": Scene(shown.trio, (), "Log · chat"),
    "first-run": Scene(lambda: engine_of(first_run()), (), "Welcome"),
    "broken-file": Scene(lambda: engine_of(snapshot((), faults=(shown.BROKEN,))), (), "expected a number"),
    "faults": Scene(lambda: engine_of(snapshot(TRIO, faults=shown.FAULTS)), (), "(+1 more)"),
    "all-failed": Scene(shown.all_failed, (), "3 failed"),
    "long-names": Scene(shown.long_named, (), "Log · embeddings"),
    "many": Scene(shown.many, ("T", "j"), "Log · model-006"),
    "describe": Scene(shown.described, ("d", "1"), "max 46", _see_two_minutes),
    "describe-configuration": _tab(2, "max_retries"),
    "describe-command": _tab(3, "16384"),
    "describe-health": _tab(4, "200 OK", _see_two_minutes),
    "describe-events": _tab(5, "ready after"),
    "describe-log": _tab(6, "llama_model_loader"),
    "chat": Scene(shown.trio, ("c",), "a console can be closed", _hear_an_answer),
    "palette": Scene(shown.trio, ("ctrl+p",), "Start the chosen instances", _stop_blinking),
    "theme": Scene(shown.trio, ("t",), "try on"),
    "help": Scene(shown.trio, ("question_mark",), "start the chosen"),
    "crash-report": Scene(shown.crashed, ("v",), "SIGSEGV"),
    "profiles": Scene(shown.with_profiles, ("p",), "evening"),
    "stop": Scene(shown.engine_at_work, ("a", "x"), "Stop these models?"),
    "remove": Scene(shown.trio, ("delete",), "Stop chat, then remove it"),
    "quit": Scene(shown.trio, ("q",), "Leave the console?"),
    "models": Scene(shown.with_models, ("n",), "4 of 4 models"),
    "form": Scene(shown.with_models, ("n", "enter"), "must be a whole"),
    "columns": Scene(shown.engine_at_work, ("C", "space"), "○ health"),
    "order": Scene(shown.engine_at_work, ("o",), "Order by"),
    "no-match": Scene(shown.trio, ("slash", "z", "z"), "Nothing matches zz", first="Log · chat", looks=(MIDDLE,)),
    "log-search": Scene(shown.trio, ("l", "z", "slash", *"load"), "2 lines", _find_hits),
    "log-merged": Scene(shown.trio, ("m", "z", "w"), "wrap", looks=(SMALL, LOOKS[-1])),
    "events-filter": Scene(lambda: engine_of(snapshot(BUSY)), ("e", "z", "f", *"exit"), "1 of 9"),
    "event": Scene(lambda: engine_of(snapshot(BUSY)), ("e", "up", "up", "up", "d"), "out-of-memory"),
}
"""Every screen and every dialog, by name."""

PICTURES = tuple((name, look) for name, scene in SCENES.items() for look in scene.looks)


def path_of(name: str, look: Look) -> Path:
    """Where a picture is stored."""
    return STORED / name / f"{look}.svg"


def draw(name: str, look: Look) -> str:
    """A scene in a look, as SVG."""
    looks = SCENES[name].looks
    return draw_in(name, tuple(one for one in looks if one.theme == look.theme))[look]


@cache
def draw_in(name: str, looks: tuple[Look, ...]) -> dict[Look, str]:
    """A scene on one console of one theme, turned from size to size: to start it is what takes time."""
    with still_surroundings():
        return asyncio.run(_draw(SCENES[name], looks))


async def _draw(scene: Scene, looks: tuple[Look, ...]) -> dict[Look, str]:
    engine = scene.engine()
    app = ConsoleApp(engine, clock=lambda: NOW, theme=looks[0].theme)
    drawn = {}
    async with app.run_test(size=looks[0].size, notifications=True) as pilot:
        operator = Operator(app, pilot, engine)
        await settle(app)
        await operator.until_shown(scene.first)
        await operator.press(*scene.keys)
        if scene.step is not None:
            await scene.step(operator)
        await operator.until_shown(scene.until)
        for look in looks:
            await operator.resize(*look.size)
            drawn[look] = without_id(app.export_screenshot())
    return drawn


def without_id(svg: str) -> str:
    """The picture without the number that Rich makes of all its text: each change would change every line."""
    return re.sub(r"terminal-\d+-", "terminal-", svg)


@contextmanager
def still_surroundings() -> Iterator[None]:
    """The same time zone and colours on every machine."""
    before = {name: os.environ.get(name) for name in FIXED}
    _set_environment(FIXED)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if sys.platform != "win32":
        time.tzset()


def store(names: list[str]) -> None:
    """Draw these scenes (none: all) and keep them; what is in the table no longer is removed."""
    for name, look in PICTURES:
        if name in names or not names:
            path = path_of(name, look)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(draw(name, look), encoding="utf-8")
    known = {path_of(*one) for one in PICTURES}
    for path in STORED.rglob("*.svg"):
        if path not in known:
            path.unlink()


if __name__ == "__main__":
    store(sys.argv[1:])
