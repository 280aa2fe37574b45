"""One line under the table about the chosen instance: why it is as it is, and what it has to do."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from engine.loads import LlamaLoad
from engine.snapshots import InstanceSnapshot
from widgets.inked import Inked
from widgets.looks import Look, state_look
from widgets.rate_history import draw_curve
from widgets.row_cells import slots_text, why_text
from widgets.table_order import context_share
from widgets.text import clean, fit
from widgets.units import format_percent, format_rate

CURVE_CELLS = 24
MOST_NAME_CELLS = 24
LEAST_WHY_CELLS = 34
"""What the reason keeps of the line; the rest may go to the numbers."""


class WhyLine(Inked):
    """The reason of one instance on the left, its live numbers and their curve on the right."""

    DEFAULT_CSS = """
    WhyLine { height: 1; }
    """

    _text = ""
    _look = Look(" ", "ink--quiet")
    _load: LlamaLoad | None = None
    _samples: Sequence[float] = ()

    def show(self, one: InstanceSnapshot | None, samples: Sequence[float] = ()) -> None:
        """Tell about this instance, or about none; `samples` are its tokens per second, oldest first."""
        text = "" if one is None else f"{_short(one.name)}: {why_text(one) or one.state.value}"
        look = Look(" ", "ink--quiet") if one is None else state_look(one.state)
        load = None if one is None else one.load
        if (text, look, load, samples) != (self._text, self._look, self._load, self._samples):
            self._text, self._look, self._load, self._samples = text, look, load, samples
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The glyph of the state, the sentence, the numbers."""
        if y or not self._text:
            return self.drawn([])
        room = self.size.width - 2
        numbers = load_text(self._load, self._samples, room - LEAST_WHY_CELLS - 2) if self._load is not None else ""
        left = room - (len(numbers) + 2 if numbers else 0)
        return self.drawn(
            [
                Segment(f"{self._look.glyph} ", self.ink(self._look.ink)),
                Segment(fit(self._text, left), self.ink("ink--quiet")),
                Segment(f"  {numbers}" if numbers else "", self.ink(load_ink(self._load))),
            ]
        )


def _short(name: str) -> str:
    """The name, which stands in the table, too, in so few cells that the reason has the line."""
    return fit(clean(name), MOST_NAME_CELLS).rstrip()


def load_ink(load: LlamaLoad | None) -> str:
    """Numbers of a server at work stand out, those of an idle one do not."""
    return "ink--busy" if load is not None and (load.busy_slots or load.tokens_per_s) else "ink--quiet"


def load_text(load: LlamaLoad, samples: Sequence[float], width: int) -> str:
    """What a server has to do in at most `width` cells: the curve and the lesser numbers give way first."""
    parts = []
    if load.is_asleep:
        parts.append("asleep")
    elif load.tokens_per_s is not None:
        parts.append(f"{format_rate(load.tokens_per_s)} tok/s")
        if load.busy_slots is not None:
            parts.append(f"{slots_text(load)} slots")
    if (share := context_share(load)) is not None:
        parts.append(f"ctx {format_percent(share)} of {load.context_size}")
    if load.prompt_tokens_per_s:
        parts.append(f"prompts {format_rate(load.prompt_tokens_per_s)}/s")
    while parts and len(" · ".join(parts)) > width:
        parts.pop()
    text = " · ".join(parts)
    if load.note and len(text) + len(load.note) + 3 <= width:
        return " · ".join([*parts, load.note])
    curve = draw_curve(samples, min(CURVE_CELLS, width - len(text) - 1))
    return f"{curve} {text}".strip() if text else ""
