"""The keys that work in a log pane, whichever screen has it."""

from __future__ import annotations

import os
from collections.abc import Callable

from textual import on
from textual.app import SuspendNotSupported

import engine
from engine.plural import format_count
from engine.protocol import Engine
from llama_orch_tui.screens.fitted import Fitted
from widgets.log_pane import LogPane
from widgets.pane_prompt import PromptKind


class LogKeys(Fitted[None]):
    """A screen with a log pane."""

    _clock: Callable[[], float]
    """Seconds since the epoch."""
    _engine: Engine

    @property
    def log_pane(self) -> LogPane:
        """The pane that the keys work in."""
        raise NotImplementedError

    def show_keys(self) -> None:
        """Bring the footer up to date; the screen knows how."""

    @on(LogPane.StateChanged)
    def follow_log_state(self) -> None:
        """A search brings keys along."""
        self.show_keys()

    @on(LogPane.MomentAsked)
    def go_to_moment(self, event: LogPane.MomentAsked) -> None:
        """Show the log at the moment that was typed."""
        try:
            moment = engine.parse_time(event.text, self._clock())
        except engine.UsageError as error:
            self.log_pane.tell(str(error).partition(": ")[2])
            return
        self.log_pane.to_time(moment)
        self.log_pane.keep_moment(event.text)

    def action_log_search(self) -> None:
        """Type what to look for."""
        self._type(PromptKind.SEARCH)

    def action_log_filter(self) -> None:
        """Type what is to be shown alone."""
        self._type(PromptKind.FILTER)

    def action_log_time(self) -> None:
        """Type a moment to go to."""
        self._type(PromptKind.TIME)

    def action_log_hit(self, step: int) -> None:
        """To the next hit, or the one before."""
        self.log_pane.to_hit(is_back=step < 0)
        self.show_keys()

    def action_log_level(self) -> None:
        """All lines, warnings and errors, errors."""
        self.log_pane.next_level()

    def action_log_wrap(self) -> None:
        """Break long lines, or not."""
        self.log_pane.toggle_wrap()

    def action_log_hold(self) -> None:
        """Stop at what is shown, or follow the end."""
        self.log_pane.toggle_hold()

    def action_log_copy(self) -> None:
        """Copy the selected lines, or those on the screen."""
        lines = self.log_pane.copied()
        if lines:
            self.app.copy_to_clipboard("\n".join(lines))
            self.notify(f"{format_count(len(lines), 'line')} of the log", title="Copied")

    def action_log_pager(self) -> None:
        """Read the log, as it is filtered, in the operator's own pager; the terminal is the pager's meanwhile."""
        from llama_orch_tui.pager import find_pager, run_pager  # noqa: PLC0415 - the first paint waits for no pager

        try:
            argv = find_pager(os.environ)
            lines = self._engine.iter_log(self.log_pane.names, self.log_pane.asked)
            with self.app.suspend():
                trouble = run_pager(argv, lines)
        except engine.EngineError as error:
            trouble = str(error)
        except SuspendNotSupported:
            trouble = "this terminal cannot be lent to a pager; `logs NAME | less` in another one can"
        if trouble:
            self.notify(trouble, severity="error")

    def _type(self, kind: PromptKind) -> None:
        self.log_pane.open_prompt(kind)
        self.show_keys()
