"""The last line: the keys that work here, the most useful ones when there is no room for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from widgets.inked import Inked


@dataclass(frozen=True, slots=True)
class KeyHint:
    """One key and what it does."""

    action: str
    """The id of the action."""
    key: str
    label: str
    priority: int
    """Larger stays longer when the line gets narrow."""

    @property
    def cells(self) -> int:
        """The room it takes, with the blanks behind it."""
        return cell_len(self.key) + 1 + cell_len(self.label) + 2


def fitting(hints: Sequence[KeyHint], width: int) -> tuple[KeyHint, ...]:
    """The hints that fit into one line of `width` cells, by priority, kept in their order."""
    kept: set[KeyHint] = set()
    left = width + 1  # the last one needs no blanks behind it but one
    for hint in sorted(hints, key=lambda one: -one.priority):
        if hint.cells > left:
            break
        kept.add(hint)
        left -= hint.cells
    return tuple(hint for hint in hints if hint in kept)


class KeyFooter(Inked):
    """Keys and labels in one line that never wraps; a click does what the key does."""

    DEFAULT_CSS = """
    KeyFooter { height: 1; dock: bottom; background: $panel; padding: 0 1; }
    """

    @dataclass
    class Pressed(Message):
        """A hint was clicked."""

        footer: KeyFooter
        action: str

        @property
        def control(self) -> KeyFooter:
            """The footer that sent it."""
            return self.footer

    _hints: tuple[KeyHint, ...] = ()

    def show(self, hints: tuple[KeyHint, ...]) -> None:
        """Draw these hints."""
        if hints != self._hints:
            self._hints = hints
            self.refresh()

    def shown(self) -> tuple[KeyHint, ...]:
        """The hints there is room for."""
        return fitting(self._hints, self.size.width)

    def on_click(self, event: events.Click) -> None:
        """Find the hint under the pointer."""
        offset = event.get_content_offset(self)
        at = 0
        for hint in self.shown():
            if offset is not None and at <= offset.x < at + hint.cells - 2:
                self.post_message(self.Pressed(self, hint.action))
            at += hint.cells

    def render_line(self, y: int) -> Strip:
        """The line."""
        segments = []
        for hint in self.shown() if y == 0 else ():
            segments.append(Segment(hint.key, self.ink("ink--key")))
            segments.append(Segment(f" {hint.label}  ", self.ink("ink--label")))
        return self.drawn(segments)
