"""The desk where requests are filed: hands acts to the engine, and knows which are still on their way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future

from engine.errors import EngineError
from engine.protocol import Engine
from engine.snapshots import Act, InstanceSnapshot, Outcome, Snapshot, Target
from llama_orch_tui.pending import PendingActs


class ActDesk:
    """Lives on the UI thread; only the call-back of a request comes from an engine thread."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock
        self._pending = PendingActs()
        self.words: Mapping[str, str] = {}
        """The words to show for acts on their way, by instance."""

    def file(
        self,
        act: Act,
        target: Target,
        concerned: tuple[InstanceSnapshot, ...],
        on_done: Callable[[Outcome], object],
    ) -> None:
        """Ask for `act`; `on_done` gets the outcome, on whatever thread it comes."""
        self.expect(act, concerned)
        future = self._engine.submit(act, target)

        def pass_on(done: Future[Outcome]) -> None:
            on_done(done.result())

        future.add_done_callback(pass_on)

    def expect(self, act: Act, concerned: tuple[InstanceSnapshot, ...]) -> None:
        """Show what `act` will do to these, before it is done."""
        self._pending.note(act, concerned, self._clock())

    def settle(self, outcome: Outcome, names: tuple[str, ...]) -> None:
        """Forget the words of what was refused or left alone; the rest waits for a snapshot that shows it."""
        stays = set(outcome.changed) if outcome.exit_code == 0 else set()
        self._pending.forget(set(names) - stays)

    def has_news(self, snapshot: Snapshot) -> bool:
        """Bring the words up to date with `snapshot` and the clock; True when they changed."""
        before = self.words
        self.words = dict(self._pending.words(snapshot, self._clock()))
        return self.words != before


def read_command(engine: Engine, name: str) -> tuple[str, str]:
    """The command line of an instance, or why there is none: one of the two is empty. May block."""
    try:
        return engine.describe(name).command_line, ""
    except (EngineError, OSError) as error:
        return "", str(error)
