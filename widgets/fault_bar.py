"""What the operator should mend, in one line that cannot be overlooked."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from engine.snapshots import Fault
from widgets.inked import Inked
from widgets.text import clean, fit


class FaultBar(Inked):
    """The first fault, and how many more there are; nothing at all while there is none."""

    DEFAULT_CSS = """
    FaultBar {
        height: 1;
        display: none;
        padding: 0 1;
        background: $warning-muted;
        color: $text-warning;
        text-style: bold;
    }
    FaultBar.-faulty { display: block; }
    """

    _faults: tuple[Fault, ...] = ()

    def show(self, faults: tuple[Fault, ...]) -> None:
        """Draw these faults."""
        if faults != self._faults:
            self._faults = faults
            self.set_class(bool(faults), "-faulty")
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The first fault's message; its first line when it has several."""
        if y or not self._faults:
            return self.drawn([])
        first, others = self._faults[0], len(self._faults) - 1
        more = f"  (+{others} more)" if others else ""
        return self.drawn([Segment(fit(f"▲ {clean(first.message)}", self.size.width - len(more)) + more)])
