"""Opening the dashboard in this terminal, and what closing it means for the models."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

from engine.errors import ExitCode, UsageError
from engine.paths import Home, find_home
from engine.snapshots import LeaderKind
from llama_orch_tui import __version__
from llama_orch_tui.breakdown import explain, watch_threads
from llama_orch_tui.collector import clear_up, settle
from llama_orch_tui.exit_choice import ExitChoice
from llama_orch_tui.leaving import Suspension, leave, outlive_hang_ups
from llama_orch_tui.opening import OpeningEngine
from llama_orch_tui.output import say_error
from llama_orch_tui.remembered import Remembered

if TYPE_CHECKING:
    from engine.session import Session
    from llama_orch_tui.app import ConsoleApp

SWITCH_INTERVAL_S = 0.0005
"""Python's own 5 ms would let a busy engine thread hold up a key press."""
START_S = 5.0
"""When it is settled once more: the engine has opened by then, and nearly all that stays in memory is there."""


def open_dashboard() -> int:
    """Show the dashboard until it is closed; the exit code.

    Raises:
        UsageError: there is no terminal.
    """
    choice, code = show(find_home(os.environ))
    if choice is ExitChoice.DEMO:
        from llama_orch_tui.demo import run_demo  # noqa: PLC0415 - its model maker imports numpy

        return run_demo()
    return code


def tune(app: ConsoleApp) -> None:
    """Set Python up for a screen that answers at once; `app` is about to run."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    app.call_after_refresh(clear_up)
    app.call_after_refresh(lambda: app.set_timer(START_S, settle))


def show(home: Home, *, is_demo: bool = False) -> tuple[ExitChoice | None, int]:
    """Run the dashboard over one home; what was chosen at its end (None: its terminal went), and the exit code.

    Raises:
        UsageError: there is no terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the dashboard needs a terminal; `ps`, `logs` and `events` work without one")
    from llama_orch_tui.app import ConsoleApp  # noqa: PLC0415 - Textual, for this command only

    def make() -> Session:
        from engine.session import Session  # noqa: PLC0415 - pydantic, httpx: behind the first paint

        return Session(home, LeaderKind.DASHBOARD, __version__, is_demo=is_demo)

    engine = OpeningEngine(make)
    remembered = Remembered(home.ui_file)
    suspension = None if is_demo else Suspension(home, engine)
    app = ConsoleApp(engine, is_demo=is_demo, remembered=remembered, suspension=suspension)
    outlive_hang_ups(app.hear)
    tune(app)
    app.call_after_refresh(engine.open)
    watch_threads(app.break_down)
    try:
        choice = app.run()
        seen = engine.snapshot()
        failed = seen.leader is None and any(fault.key in {"engine", "version"} for fault in seen.faults)
    finally:
        # From here on the screen is the shell's again: stopping may take a moment.
        remembered.close()
        words = leave(home, engine, ExitChoice.STOP if is_demo else app.return_value)
    with contextlib.suppress(OSError):  # the terminal may have gone
        if words:
            say_error(words)
        if app.breakdown is not None:
            say_error(explain(home, app.breakdown, time.time()))
    return choice, int(ExitCode.STATE_DAMAGED) if failed else app.return_code or 0
