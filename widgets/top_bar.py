"""The line above everything: what this is, how the instances are, who leads, how busy the machine is."""

from __future__ import annotations

from collections import Counter

from rich.segment import Segment
from textual.strip import Strip

from engine.snapshots import HostLoad, Snapshot
from widgets.inked import Inked
from widgets.looks import state_look
from widgets.table_order import URGENCY
from widgets.units import format_bytes, format_percent

TITLE = "llama-orch-tui"
SHORT_TITLE = "lorch"
ROOMY = 100
"""From this width on, the title and the load are written out."""

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
        left = [(TITLE if width >= ROOMY else SHORT_TITLE, "ink--strong"), *self._demo(), *self._counts()]
        room = width - _length(left)
        right: Run = []
        for part in (self._leader(), self._load()):
            if _length(part) + _length(right) + 2 <= room:
                right = [*right, *part]
        run = [*left, (" " * (room - _length(right)), ""), *right]
        return self.drawn([Segment(text, self.ink(ink) if ink else None) for text, ink in run])

    def _demo(self) -> Run:
        return [("  demo", "ink--key")] if self._is_demo else []

    def _counts(self) -> Run:
        counts = Counter(one.state for one in self._snapshot.instances)
        run: Run = []
        for state in reversed(URGENCY):
            if counts[state]:
                look = state_look(state)
                run += [(f"  {look.glyph} {counts[state]} {state.value}", look.ink)]
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
