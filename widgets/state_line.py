"""One line on top of all that is told of an instance: how it is, why, and what it has to do."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from engine.snapshots import InstanceSnapshot
from widgets.inked import Inked
from widgets.row_cells import shown_look, why_text
from widgets.text import clean, fit
from widgets.why_line import LEAST_WHY_CELLS, load_ink, load_text


class StateLine(Inked):
    """State and reason on the left, live numbers on the right; a problem takes the place of both."""

    DEFAULT_CSS = """
    StateLine { height: 1; width: 1fr; }
    """

    _one: InstanceSnapshot | None = None
    _word = ""
    _samples: Sequence[float] = ()
    _problem = ""

    def show(self, one: InstanceSnapshot | None, word: str = "", samples: Sequence[float] = ()) -> None:
        """Tell about this instance; `word` is the effect of an act on its way, `samples` its tokens per second."""
        if (one, word, samples) != (self._one, self._word, self._samples):
            self._one, self._word, self._samples = one, word, samples
            self.refresh()

    def tell(self, problem: str) -> None:
        """Say that what is shown below is not current, and why; empty when it is."""
        if problem != self._problem:
            self._problem = problem
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The glyph and the word of the state, the sentence, the numbers."""
        if y:
            return self.drawn([])
        width = self.line_width
        if self._problem:
            return self.drawn([Segment(fit(f"✗ {clean(self._problem)}", width), self.ink("ink--bad"))])
        one = self._one
        if one is None:
            return self.drawn([Segment("not among the instances any more", self.ink("ink--quiet"))])
        look = shown_look(one, self._word)
        state = f"{look.glyph} {self._word or one.state.value}  "
        room = width - cell_len(state)
        numbers = load_text(one.load, self._samples, room - LEAST_WHY_CELLS - 2) if one.load is not None else ""
        left = room - (cell_len(numbers) + 2 if numbers else 0)
        return self.drawn(
            [
                Segment(state, self.ink(look.ink)),
                Segment(fit(why_text(one), left), self.ink("ink--quiet")),
                Segment(f"  {numbers}" if numbers else "", self.ink(load_ink(one.load))),
            ]
        )
