"""The line above everything: what this is, how the instances are, who leads, how busy the machine is."""

from __future__ import annotations

from collections import Counter

from rich.segment import Segment
from textual.strip import Strip

from engine.snapshots import HostLoad, Snapshot, State
from widgets.inked import Inked
from widgets.looks import state_look
from widgets.units import format_bytes, format_percent

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
        leader, load = self._leader(), self._load()
        left = [*head, *self._counts(is_brief=False)]
        if _length(left) + _length(leader) + _length(load) > width:
            left = [*head, *self._counts(is_brief=True)]
        while len(left) > len(head) and _length(left) > width:
            left.pop()
        right: Run = []
        for part in (leader, load):
            if _length(left) + _length(right) + _length(part) <= width:
                right = [*right, *part]
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
