"""Table, events and log together: who has the focus, and who has the whole screen."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import assert_never

from textual import events
from textual.app import ComposeResult
from textual.widget import Widget

from widgets.border_deck import BorderDeck, PaneSize
from widgets.event_list import EventList
from widgets.event_pane import EventPane
from widgets.instance_table import InstanceTable
from widgets.log_pane import LogPane
from widgets.log_text import LogText
from widgets.motion import Motion
from widgets.table_pane import TablePane


class Pane(StrEnum):
    """The panes in the order of `tab`; values are the ids of the widgets that take the focus."""

    TABLE = "table"
    EVENTS = "events"
    LOG = "log"


class PaneDeck(BorderDeck):
    """The three panes; the table as high as its rows ask for, the others share the rest, until a border is moved."""

    def __init__(self, *, clock: Callable[[], float], id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(
            TablePane(clock=clock, id="table-pane"), EventPane(id="events-pane"), LogPane(id="log-pane"), id=id
        )
        self.zoomed: Pane | None = None
        """The pane that has the whole screen."""
        self._frames: dict[Pane, Widget] = {
            Pane.TABLE: self.table_pane,
            Pane.EVENTS: self.events,
            Pane.LOG: self.log_pane,
        }
        for frame in self._frames.values():
            frame.add_class("pane")

    def compose(self) -> ComposeResult:
        """The table on top, the others below."""
        yield self.table_pane
        with self.lower:
            yield self.events
            yield self.log_pane

    @property
    def table(self) -> InstanceTable:
        """The table of instances."""
        return self.table_pane.table

    @property
    def has_borders(self) -> bool:
        """True while no pane has the whole screen."""
        return self.zoomed is None

    @property
    def present(self) -> Pane:
        """The pane with the focus; the table while it is elsewhere."""
        if self.log_pane.is_typing:
            return Pane.LOG
        if self.events.is_typing:
            return Pane.EVENTS
        return next((pane for pane in (Pane.EVENTS, Pane.LOG) if self._taker(pane).has_focus), Pane.TABLE)

    def go_to(self, pane: Pane) -> None:
        """Put the focus on a pane; a zoom goes along."""
        if self.zoomed not in {None, pane}:
            self.zoom(pane)
        self._taker(pane).focus()

    def cycle(self, step: int) -> None:
        """To the next pane or the one before."""
        panes = list(Pane)
        self.go_to(panes[(panes.index(self.present) + step) % len(panes)])

    def move(self, motion: Motion) -> None:
        """Move in the pane with the focus."""
        match self.present:
            case Pane.LOG:
                self.log_pane.move(motion)
            case Pane.EVENTS:
                self.events.move(motion)
            case Pane.TABLE:
                self.table.move(motion)

    def zoom(self, pane: Pane | None) -> None:
        """Give `pane` the whole screen, or each its own part again."""
        self.zoomed = pane
        self.set_class(pane is not None, "-zoom")
        self.set_class(pane is Pane.TABLE, "-zoom-table")
        self.set_class(pane in {Pane.EVENTS, Pane.LOG}, "-zoom-lower")
        for one, frame in self._frames.items():
            frame.set_class(one is pane, "-zoomed")
        self.fit()

    def wanted_sizes(self) -> dict[Widget, PaneSize]:
        """The size of every pane, or all there is for the zoomed table."""
        if self.zoomed is Pane.TABLE:
            return {self.table_pane: PaneSize(height="1fr", max_height="100%")}
        return super().wanted_sizes()

    def on_click(self, event: events.Click) -> None:
        """A click on the frame of a pane, or on what takes no focus in it, goes to the pane."""
        for pane, frame in self._frames.items():
            is_hit = frame.display and frame.region.contains_point(event.screen_offset)
            if is_hit and not self.has_dragged and not frame.has_focus_within:
                self.go_to(pane)

    def _taker(self, pane: Pane) -> InstanceTable | EventList | LogText:
        """The widget of a pane that takes the focus."""
        match pane:
            case Pane.TABLE:
                return self.table
            case Pane.EVENTS:
                return self.events.list
            case Pane.LOG:
                return self.log_pane.text
            case _:
                assert_never(pane)
