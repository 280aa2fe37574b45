"""One line under the table: why the chosen instance is as it is, in full where the column is cut."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from engine.snapshots import InstanceSnapshot
from widgets.inked import Inked
from widgets.looks import Look, state_look
from widgets.row_cells import why_text
from widgets.text import clean, fit


class WhyLine(Inked):
    """The reason of one instance."""

    DEFAULT_CSS = """
    WhyLine { height: 1; }
    """

    _text = ""
    _look = Look(" ", "ink--quiet")

    def show(self, one: InstanceSnapshot | None) -> None:
        """Tell about this instance, or about none."""
        text = "" if one is None else f"{clean(one.name)}: {why_text(one) or one.state.value}"
        look = Look(" ", "ink--quiet") if one is None else state_look(one.state)
        if (text, look) != (self._text, self._look):
            self._text, self._look = text, look
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The glyph of the state, then the sentence."""
        if y or not self._text:
            return self.drawn([])
        glyph = Segment(f"{self._look.glyph} ", self.ink(self._look.ink))
        return self.drawn([glyph, Segment(fit(self._text, self.size.width - 2), self.ink("ink--quiet"))])
