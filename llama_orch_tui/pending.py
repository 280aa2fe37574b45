"""The effect of a key before the engine has shown it: a word in the state column, for a moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import assert_never

from engine.snapshots import Act, InstanceSnapshot, Snapshot, State, Status

PATIENCE_S = 3.0
"""How long a word may stand before the truth is shown again."""

_RUNS = frozenset({Status.STARTING, Status.RUNNING})
_RESTS = frozenset({Status.STOPPED, Status.FAILED, Status.BACKOFF})


@dataclass(frozen=True, slots=True)
class _Wish:
    """One act on one instance, and what the instance was like when it was asked for."""

    word: str
    state: State
    run_id: str
    until: float


def effect_word(act: Act, one: InstanceSnapshot) -> str:
    """What the row says at once; empty when the act will change nothing there."""
    match act:
        case Act.START:
            return "starting…" if one.status in _RESTS else ""
        case Act.STOP:
            return "stopping…" if one.status in _RUNS or one.status is Status.BACKOFF else ""
        case Act.RESTART:
            return "stopping…" if one.status in _RUNS else "starting…"
        case Act.PROFILE:
            return ""  # what it changes is told as the starts and stops that it is made of
        case _:
            assert_never(act)


class PendingActs:
    """Acts on their way. Lives on the UI thread; `now` is any steady count of seconds."""

    def __init__(self) -> None:
        self._wishes: dict[str, _Wish] = {}

    def note(self, act: Act, targets: Iterable[InstanceSnapshot], now: float) -> None:
        """Remember that `act` was asked of `targets`."""
        for one in targets:
            if word := effect_word(act, one):
                self._wishes[one.name] = _Wish(word, one.state, one.run_id, now + PATIENCE_S)

    def forget(self, names: Iterable[str]) -> None:
        """The outcome is known: the snapshots tell the truth from here on."""
        for name in names:
            self._wishes.pop(name, None)

    def words(self, snapshot: Snapshot, now: float) -> Mapping[str, str]:
        """The words to show over `snapshot`; those that came true or grew old are dropped."""
        if not self._wishes:
            return {}
        for one in snapshot.instances:
            wish = self._wishes.get(one.name)
            if wish is not None and (now >= wish.until or (wish.state, wish.run_id) != (one.state, one.run_id)):
                del self._wishes[one.name]
        return {name: wish.word for name, wish in self._wishes.items()}
