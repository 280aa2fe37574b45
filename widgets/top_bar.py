"""The line above everything: what this is, how the instances are, who leads, how busy the machine is."""

from __future__ import annotations

from collections import Counter

from rich.segment import Segment
from textual.strip import Strip

from engine.snapshots import HostLoad, Snapshot, State
from widgets.inked import Inked
from widgets.looks import state_look
from widgets.units import format_bytes, format_percent, format_rate

TITLE = "llama-orch-tui"
SHORT_TITLE = "lorch"
ROOMY = 100
"""From this width on, the title and the load are written out."""

BUSY = (State.WARMING, State.LOADING, State.STARTING, State.WAITING, State.STOPPING)
"""Counted together where there is no room for each."""
COUNTED = (State.READY, *BUSY, State.UNHEALTHY, State.BACKOFF, State.FAILED, State.STOPPED)

Run = list[tuple[str, str]]
"""Text and ink, from left to right."""


class TopBar(Inked):
    """One line; what matters less is left out when it is narrow."""

    DEFAULT_CSS = """
    TopBar { height: 1; background: $panel; padding: 0 1; }
    """

    def __init__(self, *, is_demo: bool = False, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._is_demo = is_demo
        self._snapshot = Snapshot()

    def show(self, snapshot: Snapshot) -> None:
        """Draw this snapshot."""
        self._snapshot = snapshot
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Title and counts on the left; leader and load on the right, as far as there is room."""
        if y:
            return self.drawn([])
        width = self.size.width
        head: Run = [(TITLE if width >= ROOMY else SHORT_TITLE, "ink--strong"), *self._demo()]
        leader, rate, load, gpus = self._leader(), self._rate(), self._load(), self._gpus()
        left = [*head, *self._counts(is_brief=False)]
        if sum(map(_length, (left, leader, rate, load, gpus))) > width:
            left = [*head, *self._counts(is_brief=True)]
        while len(left) > len(head) and _length(left) > width:
            left.pop()
        kept: dict[str, Run] = {}
        room = width - _length(left)
        for name, part in (("leader", leader), ("load", load), ("rate", rate), ("gpus", gpus)):
            if _length(part) <= room:
                kept[name] = part
                room -= _length(part)
        right = [piece for name in ("rate", "leader", "load", "gpus") for piece in kept.get(name, [])]
        run = [*left, (" " * (width - _length(left) - _length(right)), ""), *right]
        return self.drawn([Segment(text, self.ink(ink) if ink else None) for text, ink in run])

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
        return [(f"  following pid {leader.pid} ({leader.kind.value})", "ink--busy")]

    def _rate(self) -> Run:
        """Tokens per second of all instances together."""
        loads = [one.load for one in self._snapshot.instances if one.load is not None]
        rates = [load.tokens_per_s for load in loads if load.tokens_per_s is not None]
        if not rates:
            return []
        return [(f"  {format_rate(sum(rates))}", "ink--strong" if any(rates) else ""), (" tok/s", "ink--quiet")]

    def _gpus(self) -> Run:
        """All GPUs together: the busiest one's work, memory in sum."""
        gpus = self._snapshot.host.gpus if self._snapshot.host is not None else ()
        if not gpus:
            return []
        work = [one.busy_percent for one in gpus if one.busy_percent is not None]
        share = f"{format_percent(max(work)):>4} " if work else " "
        used = format_bytes(sum(one.memory_used_bytes for one in gpus))
        total = format_bytes(sum(one.memory_total_bytes for one in gpus))
        name = "  gpu " if len(gpus) == 1 else f"  {len(gpus)} gpus "
        return [(name, "ink--quiet"), (f"{share}{used}/{total}", "")]

    def _load(self) -> Run:
        host = self._snapshot.host
        if host is None:
            return []
        return [("  cpu ", "ink--quiet"), (f"{format_percent(host.cpu_percent):>4}", ""), *_memory(host)]


def _memory(host: HostLoad) -> Run:
    used, total = format_bytes(host.memory_used_bytes), format_bytes(host.memory_total_bytes)
    return [("  mem ", "ink--quiet"), (f"{used}/{total}", "")]


def _length(run: Run) -> int:
    return sum(len(text) for text, _ink in run)
