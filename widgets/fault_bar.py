"""What the operator should mend, in a line or two that cannot be overlooked."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.text import Text
from textual import events
from textual.strip import Strip

from engine.snapshots import Fault
from widgets.inked import Inked
from widgets.text import clean, fit, name_file

MOST_LINES = 2
"""The fix stands at a message's end: a narrow screen shows it in a second line."""


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
    _lines: tuple[str, ...] = ()

    def show(self, faults: tuple[Fault, ...]) -> None:
        """Draw these faults."""
        if faults != self._faults:
            self._faults = faults
            self.set_class(bool(faults), "-faulty")
            self._fold()

    def on_resize(self, _event: events.Resize) -> None:
        """Another width may take another number of lines."""
        self._fold()

    def render_line(self, y: int) -> Strip:
        """A line of the first fault's message."""
        return self.drawn([Segment(self._lines[y])] if y < len(self._lines) else [])

    def _fold(self) -> None:
        width, others = self.size.width, len(self._faults) - 1
        if width <= 0 or not self._faults:
            return  # it is not in sight
        more = f"  (+{others} more)" if others > 0 else ""
        lines = self._wrap(self._faults[0].message, width)
        if len(lines) > MOST_LINES:
            lines = self._wrap(name_file(self._faults[0].message), width)
        lines[MOST_LINES - 1 :] = [" ".join(lines[MOST_LINES - 1 :])] if len(lines) >= MOST_LINES else []
        if cell_len(lines[-1]) + len(more) > width and len(lines) < MOST_LINES:
            lines.append("")
        self._lines = (*lines[:-1], fit(lines[-1], width - len(more)) + more)
        self.styles.height = len(lines)
        self.refresh()

    def _wrap(self, message: str, width: int) -> list[str]:
        words = Text(f"▲ {clean(message)}")
        return [line.plain.rstrip() for line in words.wrap(self.app.console, width)]
