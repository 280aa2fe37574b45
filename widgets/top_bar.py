"""The line above everything: what this is, how the instances are, who leads, how busy the machine is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from engine.loads import LlamaLoad
from engine.snapshots import LeaderKind, Snapshot, State
from widgets.inked import Inked
from widgets.looks import state_look
from widgets.rate_history import draw_curve
from widgets.units import format_bytes, format_percent, format_rate

TITLE = "llama-orch-tui"
SHORT_TITLE = "lorch"
ROOMY = 100
"""From this width on, the title and the load are written out."""

CURVE_CELLS = 10

BUSY = (State.WARMING, State.LOADING, State.STARTING, State.WAITING, State.STOPPING)
"""Counted together where there is no room for each."""
COUNTED = (State.READY, *BUSY, State.UNHEALTHY, State.BACKOFF, State.FAILED, State.STOPPED)

Run = list[tuple[str, str]]
"""Text and ink, from left to right."""

PLACES = ("curve", "rate", "slots", "leader", "load", "memory", "gpus")
"""The parts on the right, as they stand."""
KEPT_FIRST = ("leader", "load", "rate", "slots", "memory", "gpus", "curve")
"""What stays when it is narrow; the last goes first."""


class TopBar(Inked):
    """One line; what matters less is left out when it is narrow."""

    DEFAULT_CSS = """
    TopBar { height: 1; background: $panel; padding: 0 1; }
    """

    def __init__(self, *, is_demo: bool = False, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._is_demo = is_demo
        self._snapshot = Snapshot()
        self._totals: Sequence[float] = ()
        self._seen: Run = []
        """What was drawn last."""

    def show(self, snapshot: Snapshot, totals: Sequence[float] = ()) -> None:
        """Draw this snapshot; `totals` are the tokens per second of all instances together, oldest first."""
        self._snapshot, self._totals = snapshot, totals
        if self._build_run(self.size.width) != self._seen:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Title and counts on the left; leader and load on the right, as far as there is room."""
        if y:
            return self.drawn([])
        self._seen = self._build_run(self.size.width)
        return self.drawn([Segment(text, self.ink(ink) if ink else None) for text, ink in self._seen])

    def _build_run(self, width: int) -> Run:
        head: Run = [(TITLE if width >= ROOMY else SHORT_TITLE, "ink--strong"), *self._demo()]
        parts = self._parts()
        left = [*head, *self._counts(is_brief=False)]
        if _length(left) + sum(_length(part) for name, part in parts.items() if name != "curve") > width:
            left = [*head, *self._counts(is_brief=True)]
        while len(left) > 1 and _length(left) > width:
            left.pop()
        kept: set[str] = set()
        room = width - _length(left)
        for name in KEPT_FIRST:
            if _length(parts[name]) <= room:
                kept.add(name)
                room -= _length(parts[name])
        right = [piece for name in PLACES if name in kept for piece in parts[name]]
        return [*left, (" " * room, ""), *right]

    def _parts(self) -> dict[str, Run]:
        return {
            "leader": self._leader(),
            "load": self._load(),
            "memory": self._memory(),
            "rate": self._rate(),
            "slots": self._slots(),
            "gpus": self._gpus(),
            "curve": self._curve(),
        }

    def _demo(self) -> Run:
        return [("  demo", "ink--key")] if self._is_demo else []

    def _counts(self, *, is_brief: bool) -> Run:
        counts = Counter(one.state for one in self._snapshot.instances)
        busy = sum(counts[state] for state in BUSY)
        run: Run = []
        for state in COUNTED:
            look = state_look(state)
            if is_brief and state in BUSY:
                if busy and state is BUSY[0]:
                    run.append((f"  {look.glyph} {busy} busy", look.ink))
            elif counts[state]:
                run.append((f"  {look.glyph} {counts[state]} {state.value}", look.ink))
        return run

    def _leader(self) -> Run:
        leader = self._snapshot.leader
        if self._snapshot.taken_at == 0:
            return [("  starting…", "ink--quiet")]
        if self._snapshot.is_leader:
            return [("  leading", "ink--quiet")]
        if leader is None:
            return [("  ▲ nobody leads", "ink--warn")]
        if self.size.width < ROOMY:  # how busy the machine is matters more than a number that `daemon status` knows
            kind = "command" if leader.kind is LeaderKind.CLI else leader.kind.value
            return [(f"  following a {kind}", "ink--busy")]
        return [(f"  following PID {leader.pid} ({leader.kind.value})", "ink--busy")]

    def _loads(self) -> list[LlamaLoad]:
        return [one.load for one in self._snapshot.instances if one.load is not None]

    def _rate(self) -> Run:
        """Tokens per second of all instances together."""
        rates = [load.tokens_per_s for load in self._loads() if load.tokens_per_s is not None]
        if not rates:
            return []
        return [(f"  {format_rate(sum(rates)):>3}", "ink--strong" if any(rates) else ""), (" tok/s", "ink--quiet")]

    def _curve(self) -> Run:
        """How that rate went; its place is kept while nothing is made, so that nothing jumps."""
        if not self._rate():
            return []
        return [(f"  {draw_curve(self._totals, CURVE_CELLS):{CURVE_CELLS}}", "ink--busy")]

    def _slots(self) -> Run:
        """Slots at work of all there are, and what waits for one."""
        loads = self._loads()
        busy, total = sum(one.busy_slots or 0 for one in loads), sum(one.total_slots or 0 for one in loads)
        waiting = sum(one.deferred or 0 for one in loads)
        if not total:
            return []
        ink = "ink--warn" if waiting else "ink--strong" if busy else ""
        return [(f"  {busy}/{total}{f'+{waiting}' if waiting else ''}", ink), (" slots", "ink--quiet")]

    def _gpus(self) -> Run:
        """All GPUs together: the busiest one's work, memory in sum."""
        gpus = self._snapshot.host.gpus if self._snapshot.host is not None else ()
        if not gpus:
            return []
        work = [one.busy_percent for one in gpus if one.busy_percent is not None]
        share = f"{format_percent(max(work)):>4} " if work else " "
        used = format_bytes(sum(one.memory_used_bytes for one in gpus))
        total = format_bytes(sum(one.memory_total_bytes for one in gpus))
        name = "  GPU " if len(gpus) == 1 else f"  {len(gpus)} GPUs "
        return [(name, "ink--quiet"), (f"{share}{used}/{total}", "")]

    def _load(self) -> Run:
        host = self._snapshot.host
        if host is None:
            return []
        return [("  CPU ", "ink--quiet"), (f"{format_percent(host.cpu_percent):>4}", "")]

    def _memory(self) -> Run:
        host = self._snapshot.host
        if host is None:
            return []
        used, total = format_bytes(host.memory_used_bytes), format_bytes(host.memory_total_bytes)
        return [("  mem ", "ink--quiet"), (f"{used}/{total}", "")]


def _length(run: Run) -> int:
    return sum(len(text) for text, _ink in run)
