"""What operators ask for while the lead passes from one process to another: kept for the next engine, for a while."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from typing import Protocol

from engine.clock import Clock
from engine.errors import EngineError, ExitCode
from engine.snapshots import Outcome, Request

KEPT_LIMIT_S = 10.0
"""How long a wish waits for the next leader."""


class Asked(Protocol):
    """Whoever takes requests: a leading or a following engine."""

    def submit_request(self, request: Request) -> Future[Outcome]:
        """Ask for an act that already has an id."""
        ...


@dataclass(frozen=True, slots=True)
class Prospects:
    """Who can be asked now, and whether there can still be somebody later."""

    engine: Asked | None = None
    error: Exception | None = None
    """Why there can be none, as things are."""
    is_closing: bool = False


@dataclass(frozen=True, slots=True)
class _Wish:
    request: Request
    future: Future[Outcome]


class Wishes:
    """Asks the present engine, from whatever thread. `look` says who that is."""

    def __init__(self, clock: Clock, look: Callable[[], Prospects]) -> None:
        self._clock = clock
        self._look = look
        self._kept: list[_Wish] = []
        self._lock = threading.Lock()

    def ask(self, request: Request) -> Future[Outcome]:
        """Ask for an act; the future is completed whatever becomes of the engines."""
        wish = _Wish(request, Future())
        self._ask(wish)
        return wish.future

    def ask_again(self) -> None:
        """Ask again for what is kept: there is an engine, or it is too late."""
        with self._lock:
            kept, self._kept = self._kept, []
        for wish in kept:
            self._ask(wish)

    def _ask(self, wish: _Wish) -> None:
        now = self._look()
        if now.engine is None or now.error is not None:
            self._keep(wish, now, "nobody leads at this moment; ask again")
            return
        engine = now.engine
        engine.submit_request(wish.request).add_done_callback(lambda done: self._answer(engine, wish, done.result()))

    def _answer(self, engine: Asked, wish: _Wish, outcome: Outcome) -> None:
        if not outcome.is_untouched:
            _complete(wish, outcome)
            return
        self._keep(wish, self._look(), outcome.message)
        if self._look().engine is not engine:
            self.ask_again()  # the next one was there before the wish was kept

    def _keep(self, wish: _Wish, now: Prospects, reason: str) -> None:
        """Keep a wish for the next engine, while there can be one and it is not too late."""
        is_late = self._clock.wall() > wish.request.created_at + KEPT_LIMIT_S
        if now.is_closing or now.error is not None or is_late:
            why = str(now.error) if now.error else reason
            code = now.error.exit_code if isinstance(now.error, EngineError) else ExitCode.LEADER_TIMEOUT
            _complete(wish, Outcome(wish.request.id, int(code), why))
            return
        with self._lock:
            self._kept.append(wish)


def _complete(wish: _Wish, outcome: Outcome) -> None:
    with contextlib.suppress(InvalidStateError):  # whoever asked has gone, and cancelled it
        wish.future.set_result(outcome)
