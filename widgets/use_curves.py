"""What one instance made and took in the last minutes, as small curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.strip import Strip

from widgets.inked import Inked
from widgets.rate_history import KEPT, Measure, draw_curve
from widgets.text import fit
from widgets.units import NOTHING, format_bytes, format_percent, format_rate

LABEL_CELLS = 12
"""With the indent before the label."""
MOST_CURVE_CELLS = KEPT
LEAST_CURVE_CELLS = 8

Curves = Mapping[Measure, Sequence[float]]
"""Samples by measure, oldest first."""


class UseCurves(Inked):
    """One line for each measure: a curve, what it is now, and the most it was. As high as there are measures."""

    DEFAULT_CSS = """
    UseCurves { height: auto; width: 1fr; }
    """

    def __init__(self, title: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.title = title
        self.curves: Curves = {}
        """What is drawn; measures without a sample are left out."""

    def show(self, curves: Curves) -> None:
        """Draw these."""
        kept = {measure: samples for measure, samples in curves.items() if samples}
        if kept != self.curves:
            is_other_height = len(kept) != len(self.curves)
            self.curves = kept
            self.refresh(layout=is_other_height)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A title and the curves; nothing without any."""
        del container, viewport, width
        return 1 + len(self.curves) if self.curves else 0

    def on_resize(self, _event: events.Resize) -> None:
        """Longer or shorter curves."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The title, then a measure in each line."""
        if y == 0 or y > len(self.curves):
            return self.drawn([Segment(self.title if y == 0 and self.curves else "", self.ink("ink--key"))])
        measure, samples = list(self.curves.items())[y - 1]
        now, most = say_measure(measure, samples[-1]), f"max {say_measure(measure, max(samples)).strip()}".rjust(11)
        cells = curve_cells(self.line_width, len(now) + len(most) + 4)
        curve = draw_curve(samples, cells)
        return self.drawn(
            [
                Segment(fit(f"  {measure.value}", LABEL_CELLS), self.ink("ink--quiet")),
                Segment(fit(curve, cells), self.ink("ink--busy")),
                Segment(f"  {now}"),
                Segment(f"  {most}", self.ink("ink--quiet")),
            ]
        )


def curve_cells(width: int, words: int) -> int:
    """The room for a curve in a line of `width` cells with `words` cells of text behind it."""
    return max(LEAST_CURVE_CELLS, min(MOST_CURVE_CELLS, width - LABEL_CELLS - words))


def say_measure(measure: Measure, value: float) -> str:
    """A sample in words, always in as many cells, so that curves do not jump."""
    match measure:
        case Measure.TOKENS:
            text = format_rate(value)
        case Measure.CPU:
            text = format_percent(value)
        case Measure.MEMORY:
            text = format_bytes(round(value))
        case Measure.PROBE:
            text = say_latency(value)
    return f"{text:>7}"


def say_latency(latency_ms: float | None) -> str:
    """How long a check took, in at most 7 cells: ``3.1 ms``, ``412 ms``, ``2.1 s``."""
    if latency_ms is None:
        return NOTHING
    if latency_ms >= 999.5:
        return f"{latency_ms / 1000:.1f} s"
    return f"{latency_ms:.1f} ms" if latency_ms < 9.95 else f"{latency_ms:.0f} ms"
