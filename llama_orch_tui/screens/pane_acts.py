"""What the operator does with the panes themselves: their sizes, with keys or the mouse, remembered.

The dashboard is built on this.
"""

from __future__ import annotations

from collections.abc import Callable

from textual import on

from engine.protocol import Engine
from llama_orch_tui.remembered import Remembered
from llama_orch_tui.screens.describe_room import DescribeRoom
from widgets.pane_deck import PaneDeck
from widgets.pane_sizes import Border, sizes_from_choices

REMEMBERED = "panes"
"""The name of the sizes among the remembered choices."""


class PaneActs(DescribeRoom):
    """A screen whose panes have the sizes that the operator wants."""

    def __init__(self, engine: Engine, clock: Callable[[], float], remembered: Remembered) -> None:
        super().__init__(engine, clock, remembered)
        self.deck.set_sizes(sizes_from_choices(remembered.get(REMEMBERED)))

    @on(PaneDeck.SizesChanged)
    def remember_sizes(self, event: PaneDeck.SizesChanged) -> None:
        """The sizes are there again in the next run."""
        self.remembered.put(REMEMBERED, event.sizes.to_choices())

    def action_move_border(self, border: str, steps: int) -> None:
        """Move the border below the table, or the one between events and log; under a zoom there is none."""
        if self.deck.has_borders:
            self.deck.step_border(Border(border), steps)
        else:
            self.notify("One pane has the whole screen; esc brings back the others, and their sizes.")

    def action_reset_sizes(self) -> None:
        """The sizes that come by themselves."""
        self.deck.reset_sizes()
