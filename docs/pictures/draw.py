"""Draws the README's picture from the real program: the demo's three models, one crash, headless. `make picture`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import engine
from engine.snapshots import LeaderKind, State
from llama_orch_tui import __version__
from llama_orch_tui.app import ConsoleApp
from llama_orch_tui.demo import build_config, throw_away_home

SIZE = (132, 34)
LIMIT_S = 30.0
LOOK_PERIOD_S = 0.2


async def draw(target: Path) -> None:
    """Serve the demo, let one model be killed, wait until it is back, and save the screen."""
    with throw_away_home() as home:
        model = engine.cached_tiny_model(Path(tempfile.gettempdir()) / "lorch-picture-cache")
        home.config_file.write_text(build_config(model, engine.find_launcher()), encoding="utf-8")
        session = engine.Session(home, LeaderKind.DASHBOARD, __version__, is_demo=True)
        session.open()
        try:
            app = ConsoleApp(session, is_demo=True)
            async with app.run_test(size=SIZE) as pilot:
                await _until(lambda: _count_ready(session) == 3)
                daredevil = session.snapshot().find("daredevil")
                os.kill((daredevil.pid if daredevil else None) or 0, signal.SIGKILL)
                await _until(lambda: (one := session.snapshot().find("daredevil")) is not None and one.restarts == 1)
                await _until(lambda: _count_ready(session) == 3)
                await asyncio.sleep(5.0)  # for CPU, memory and a line of uptime
                await pilot.press("down", "down")
                await asyncio.sleep(1.0)
                app.save_screenshot(str(target))
        finally:
            session.close(stop_instances=True)


def _count_ready(session: engine.Session) -> int:
    return sum(one.state is State.READY for one in session.snapshot().instances)


async def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        if time.monotonic() > deadline:
            sys.exit("the demo does not become ready; try `make demo`")
        await asyncio.sleep(LOOK_PERIOD_S)


if __name__ == "__main__":
    asyncio.run(draw(Path(__file__).with_name("dashboard.svg")))
