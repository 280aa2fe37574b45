"""The application: polls the engine ten times a second, shows what it finds, and ends the way it was asked to."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import App, InvalidThemeError
from textual.binding import BindingType
from textual.command import Provider
from textual.message import Message
from textual.screen import Screen

from engine.protocol import Engine
from engine.snapshots import Fault, Snapshot
from llama_orch_tui.action_kinds import Scope
from llama_orch_tui.exit_choice import ExitChoice
from llama_orch_tui.keymap import DEFAULT_KEYS, read_key_map
from llama_orch_tui.leaving import is_tended
from llama_orch_tui.outside import Outside
from llama_orch_tui.remembered import Remembered
from llama_orch_tui.screens.dashboard import DashboardScreen
from themes import DEFAULT_THEME, DIALOGS, STYLESHEETS, THEMES
from widgets.text import clean, clean_block

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.notifications import SeverityLevel

    from llama_orch_tui.leaving import Suspension

POLL_S = 0.1
HUNG_UP = 129
"""128 + SIGHUP."""


def _commands() -> type[Provider]:
    from llama_orch_tui.palette import ConsoleCommands  # noqa: PLC0415 - the first paint waits for no palette

    return ConsoleCommands


class ConsoleApp(App[ExitChoice], inherit_bindings=False):
    """The full-screen console over an engine, whoever leads.

    Args:
        engine: What supervises; the caller closes it after `run` has returned.
        clock: Seconds since the epoch, for ages on the screen.
        is_demo: The models end with the console, so leaving always stops them.
        theme: Name of a theme; None means the remembered one, and one that does not exist the default.
        remembered: The operator's choices of earlier runs; the caller closes it after `run` has returned.
        suspension: What goes before and after `ctrl+z`; None when there is nothing to do.

    `run` returns the operator's choice, or None when a signal ended it (`return_code` is then 128 + the signal).
    """

    TITLE = "llama-orch-tui"
    BINDINGS: ClassVar[list[BindingType]] = [*DEFAULT_KEYS.bindings(Scope.APP)]
    COMMANDS = {_commands}  # noqa: RUF012 - declared by Textual

    @dataclass
    class SuspensionPrepared(Message):
        """The lead is in other hands, or (with a problem) it is not."""

        problem: str

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], float] = time.time,
        is_demo: bool = False,
        theme: str | None = None,
        remembered: Remembered | None = None,
        suspension: Suspension | None = None,
    ) -> None:
        super().__init__()
        self._engine = engine
        self._is_demo = is_demo
        self._shown: Snapshot | None = None
        self._clock = clock
        self._key_table: tuple[tuple[str, str], ...] = ()
        self._key_faults: tuple[Fault, ...] = ()
        self.key_map = DEFAULT_KEYS
        """Which keys mean what; the operator's own once the configuration has been read."""
        self._is_asking = False
        self._suspension = suspension
        self._is_suspending = False
        self._handlers: dict[int, Any] = {}
        self._heard = 0
        """The signal that came before anything of this ran; 0 for none."""
        self.remembered = remembered or Remembered()
        """What the operator chose, in earlier runs and in this one."""
        self.breakdown: BaseException | None = None
        """What went wrong in the console itself and ended it; None while nothing did."""
        self._outside = Outside(self._write_outside, os.environ, clock)
        self.dashboard = DashboardScreen(engine, clock=clock, remembered=self.remembered, is_demo=is_demo)
        """The screen under everything."""
        for one in THEMES:
            self.register_theme(one)
        self._choose_theme(theme or self.remembered.get("theme"))

    def get_default_screen(self) -> Screen[None]:
        """The dashboard. Its sheets are read here: of what is there before, Textual parses everything twice."""
        self.stylesheet.read_all(STYLESHEETS)
        return self.dashboard

    def on_mount(self) -> None:
        """Begin to poll, and end politely when the terminal goes away."""
        self._watch_signals()
        self.app_suspend_signal.subscribe(self, lambda _app: self._outside.end())
        self.app_resume_signal.subscribe(self, self._come_back)
        self._outside.begin()
        if self.remembered.note:
            self.notify(self.remembered.note, severity="warning")
        self._engine.look(is_looking=True)
        self.poll_engine()
        self.set_interval(POLL_S, self.poll_engine)
        self.call_after_refresh(self._read_ahead)

    def _read_ahead(self) -> None:
        """The dialogs' sheet, so that the first of them need not wait for it; unless it was faster."""
        if not self.stylesheet.has_source(str(DIALOGS)):
            self.stylesheet.read(DIALOGS)
            self.stylesheet.parse()

    def poll_engine(self) -> None:
        """Show the engine's newest snapshot; nothing happens while it is the same one."""
        snapshot = self._engine.snapshot()
        if snapshot is not self._shown:
            self._shown = snapshot
            if snapshot.keys != self._key_table:
                self._take_keys(snapshot.keys)
            faults = (*snapshot.faults, *self._key_faults)
            self.dashboard.show(replace(snapshot, faults=faults) if self._key_faults else snapshot)
            self._outside.show(snapshot)
        self._outside.beat()
        self.dashboard.beat()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,  # noqa: ARG002 - Textual's widgets ask for it; ours never
    ) -> None:
        """Tell something in a toast: names, paths and errors are anybody's words, so nothing in it is obeyed."""
        super().notify(clean_block(message), title=clean(title), severity=severity, timeout=timeout, markup=False)

    def action_ask_quit(self) -> None:
        """Leave; while there is something to watch, ask first what becomes of it."""
        from llama_orch_tui.screens.questions import quit_question  # noqa: PLC0415 - nor for a dialog

        snapshot = self._engine.snapshot()
        if self._is_demo:
            self.exit(ExitChoice.STOP)
        elif not is_tended(snapshot):
            self.exit(ExitChoice.LEAVE)
        elif not self._is_asking:
            self._is_asking = True
            self.push_screen(quit_question(snapshot), self._leave)

    def action_theme(self) -> None:
        """Choose colours, ours and Textual's."""
        from llama_orch_tui.screens.theme import ThemeScreen  # noqa: PLC0415 - nor for a dialog

        ours = [one.name for one in THEMES]
        others = sorted(name for name in self.available_themes if name not in ours)
        self.push_screen(ThemeScreen([*ours, *others], self.theme), self._keep_theme)

    def action_help(self) -> None:
        """Every key; the same key closes it."""
        from llama_orch_tui.screens.help import HelpScreen  # noqa: PLC0415 - nor for a page

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss(None)
        else:
            self.push_screen(HelpScreen())

    def _fatal_error(self) -> None:
        """Textual would print every local variable, keys among them: the caller reports the error without."""
        self.breakdown = self.breakdown or self._exception
        self._close_messages_no_wait()

    def break_down(self, error: BaseException) -> None:
        """End, because a thread of ours went wrong; called on that thread."""
        if isinstance(error, OSError) and error.errno == errno.EIO:
            self.exit(return_code=HUNG_UP)  # the terminal has gone; its signal is on the way
            return
        self.breakdown = self.breakdown or error
        self.exit(return_code=1)

    def _leave(self, answer: str | None) -> None:
        self._is_asking = False
        if answer:
            self.exit(ExitChoice(answer))

    def _take_keys(self, table: tuple[tuple[str, str], ...]) -> None:
        """The keys of the configuration, from now on; what cannot be had is said until it is mended."""
        self._key_table = table
        self.key_map, problems = read_key_map(table)
        self._key_faults = tuple(Fault("keys", str(problem), self._clock()) for problem in problems)
        self.key_map.rebind(self, Scope.APP)
        self.dashboard.take_keys(self.key_map)

    def _keep_theme(self, name: str | None) -> None:
        if name:
            self.remembered.put("theme", name)

    def _choose_theme(self, name: object) -> None:
        try:
            self.theme = name if isinstance(name, str) and name else DEFAULT_THEME
        except InvalidThemeError:
            self.theme = DEFAULT_THEME
            self.notify(f"There is no theme {name!r}; t shows all.", severity="warning")

    def _write_outside(self, text: str) -> None:
        if self._driver is not None and not self._driver.is_headless:
            self._driver.write(text)
            self._driver.flush()

    def _watch_signals(self) -> None:
        if sys.platform == "win32":
            return
        loop = asyncio.get_running_loop()

        def hear(number: int, _frame: FrameType | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._end_on_signal, number)

        # Not by the loop: with the loop's end its handlers go, and a second signal would end the process half way.
        for number in (signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, hear)
        if self._heard:
            self.call_after_refresh(self._end_on_signal, self._heard)

    def hear(self, number: int) -> None:
        """A signal while nothing of this runs: it ends as soon as it does; what has ended already takes no notice."""
        self._heard = number

    def on_unmount(self) -> None:
        """Signals and the title are the caller's again."""
        self._outside.end()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _end_on_signal(self, number: int) -> None:
        self.exit(return_code=128 + number)

    def action_suspend_process(self) -> None:
        """Suspend to the shell, when the lead is in other hands: who stands still must not hold it."""
        if not self._is_suspending and self._driver is not None and self._driver.can_suspend:
            self._is_suspending = True
            self._prepare_suspension()

    @work(thread=True, group="suspend", exit_on_error=False)
    def _prepare_suspension(self) -> None:
        from llama_orch_tui.job_control import find_hindrance  # noqa: PLC0415 - nor for a suspension

        problem = find_hindrance()
        if not problem and self._suspension is not None:
            problem = self._suspension.prepare()
        self.post_message(self.SuspensionPrepared(problem))

    @on(SuspensionPrepared)
    def suspend_or_tell(self, event: SuspensionPrepared) -> None:
        """Suspend now, or say why not."""
        self._is_suspending = False
        if event.problem:
            self.notify(event.problem, title="Not suspended", severity="error")
        elif self._driver is not None:
            self._stand_still(self._driver)

    def _stand_still(self, driver: Driver) -> None:
        """Give the terminal back, then stop with the whole process group, as a terminal's own ctrl+z does.

        Textual stops its own process alone: a `make`, `uv run` or `time` around it would go on waiting, with the shell.
        """
        if sys.platform == "win32":
            return
        self.app_suspend_signal.publish(self)
        driver.suspend_application_mode()
        setattr(driver, "_must_signal_resume", True)  # noqa: B010 - as the handler of the driver that can suspend does
        os.kill(0, signal.SIGSTOP)

    def _come_back(self, _app: App[ExitChoice]) -> None:
        """After `fg` the screen is blank until something draws."""
        self._outside.begin()
        if self._suspension is not None:
            self._suspension.end()
        self.screen.refresh(layout=True)
