"""Drives the console without a terminal: keys in, words on the screen out."""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import Awaitable, Callable

from textual import events
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot
from textual.screen import Screen

from llama_orch_tui.app import ConsoleApp
from llama_orch_tui.exit_choice import ExitChoice
from llama_orch_tui.remembered import Remembered
from llama_orch_tui.screens.dashboard import DashboardScreen
from tests.fakes.scenes import NOW
from tests.fakes.still_engine import StillEngine, StillLogView
from widgets.event_list import EventList
from widgets.event_pane import EventPane
from widgets.instance_table import InstanceTable
from widgets.log_pane import LogPane

DEADLINE_S = 10.0
MOST_ROUNDS = 10_000
"""Of the loop, for what one key does: far more than any needs, so that what never rests is seen."""


def press(app: ConsoleApp, key: str) -> None:
    """Send a key, named as Textual names it or given as a character."""
    name = _character_to_key(key) if len(key) == 1 else key
    try:
        character: str | None = unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(name, name)))
    except KeyError:
        character = key if len(key) == 1 else None
    assert app._driver is not None
    app._driver.send_message(events.Key(name, character))


async def settle(app: ConsoleApp) -> None:
    """Wait until only timers and threads could still change the screen.

    Textual's own pilot sleeps at least 0.06 s for every key; a loop without a ready callback is as quiet, at once.
    """
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    for _ in range(MOST_ROUNDS):
        await asyncio.sleep(0)
        if not ready:
            if not _is_to_draw(app.screen):
                return
            app.screen._on_timer_update()  # the frame that a timer would draw in a moment


def _is_to_draw(screen: Screen[object]) -> bool:
    return bool(
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
    )


class Operator:
    """Hands on the keys and eyes on the screen of one console."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[ExitChoice], engine: StillEngine) -> None:
        self.app = app
        self.pilot = pilot
        self.engine = engine

    @property
    def dashboard(self) -> DashboardScreen:
        """The screen under everything."""
        return self.app.dashboard

    @property
    def table(self) -> InstanceTable:
        """The table of instances."""
        return self.dashboard.table

    @property
    def events(self) -> EventList:
        """The lines of the event pane."""
        return self.event_pane.list

    @property
    def event_pane(self) -> EventPane:
        """The pane of events."""
        return self.dashboard.query_one(EventPane)

    @property
    def log(self) -> LogPane:
        """The log pane."""
        return self.dashboard.query_one(LogPane)

    @property
    def view(self) -> StillLogView:
        """What the log pane looks through."""
        return self.engine.views[-1]

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, each when the one before has had its effect."""
        for key in keys:
            press(self.app, key)
            await settle(self.app)

    async def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        if self.app.size != (width, height):
            await self.pilot.resize_terminal(width, height)
            await settle(self.app)

    async def until(self, condition: Callable[[], bool], what: str = "") -> None:
        """Wait until `condition` holds."""
        end = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end, f"{what or 'the condition'} never came true; the screen says:\n{self.text()}"
            await asyncio.sleep(0.005)
            await settle(self.app)

    async def until_shown(self, text: str) -> None:
        """Wait until `text` is on the screen."""
        await self.until(lambda: text in self.text(), repr(text))

    async def until_gone(self, text: str) -> None:
        """Wait until `text` is not on the screen any more."""
        await self.until(lambda: text not in self.text(), f"no {text!r}")

    def lines(self) -> list[str]:
        """The screen, line by line."""
        strips = self.app.screen._compositor.render_strips(self.app.size)
        return [strip.text for strip in strips]

    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.lines())

    def line_of(self, text: str) -> int:
        """The first line that holds `text`."""
        return next(index for index, line in enumerate(self.lines()) if text in line)

    def told(self) -> list[tuple[str, str]]:
        """Severity and message of every notification."""
        return [(one.severity, one.message) for one in self.app._notifications]


Script = Callable[[Operator], Awaitable[None]]


def drive(
    engine: StillEngine,
    script: Script,
    *,
    size: tuple[int, int] = (120, 40),
    clock: Callable[[], float] = lambda: NOW,
    is_demo: bool = False,
    remembered: Remembered | None = None,
) -> ConsoleApp:
    """Run `script` on a console over `engine`; returns the console after it has ended."""

    async def run() -> ConsoleApp:
        app = ConsoleApp(engine, clock=clock, is_demo=is_demo, remembered=remembered)
        async with app.run_test(size=size, notifications=True) as pilot:
            await settle(app)
            await script(Operator(app, pilot, engine))
        return app

    return asyncio.run(run())
