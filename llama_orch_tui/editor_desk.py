"""Asks the engine's editor on a worker thread, and goes on with the answer on the UI thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from textual.screen import Screen

from engine.errors import EngineError
from engine.protocol import Engine

if TYPE_CHECKING:
    from engine.editing import Editor

T = TypeVar("T")


class EditorDesk:
    """Belongs to one screen; what comes after the screen has gone is dropped."""

    def __init__(self, screen: Screen[Any], engine: Engine) -> None:
        self._screen = screen
        self._engine = engine

    def ask(
        self,
        question: Callable[[Editor], T],
        then: Callable[[T], object],
        refused: Callable[[str], object] | None = None,
    ) -> None:
        """Put a question; `then` gets the answer, `refused` why there is none (without it, that is notified)."""

        def work() -> None:
            try:
                answer = question(self._engine.open_editor())
            except (EngineError, OSError, RuntimeError) as error:
                self._screen.call_later(refused or self.say_refused, str(error))
            else:
                self._screen.call_later(then, answer)

        self._screen.run_worker(work, thread=True, group="editor", exit_on_error=False)

    def say_refused(self, message: str) -> None:
        """Say why something was not done."""
        self._screen.notify(message, severity="error")
