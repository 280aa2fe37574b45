"""The borders between the panes: where they are, how keys and the mouse move them."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.containers import Container, Vertical
from textual.geometry import Offset
from textual.message import Message
from textual.widget import Widget

from widgets.event_pane import EventPane
from widgets.log_pane import LogPane
from widgets.pane_sizes import Border, PaneSizes, Span, fractions
from widgets.table_pane import TablePane

LEAST_TABLE_LINES = 5
"""Border, column titles, a row, the reason; the stylesheet's least height says the same."""
LEAST_LINES = 3
"""Of the events and of the log, likewise."""
LEAST_CELLS = 24
"""Of the events and of the log where they stand side by side, likewise."""
STEP_LINES = 1
STEP_CELLS = 4
SIDES = ("top", "right", "bottom", "left")


@dataclass(frozen=True, slots=True)
class PaneSize:
    """What a pane gets in place of the stylesheet's sizes: lines, cells, or in the stylesheet's words."""

    width: str | None = None
    height: str | int | None = None
    max_height: str | None = None


class BorderDeck(Vertical):
    """The table above, events and log below, with borders that move; the pane deck is built on this."""

    @dataclass
    class SizesChanged(Message):
        """The operator has moved a border, or set them all back."""

        deck: BorderDeck
        sizes: PaneSizes

        @property
        def control(self) -> BorderDeck:
            """The deck that sent it."""
            return self.deck

    def __init__(
        self,
        table_pane: TablePane,
        event_pane: EventPane,
        log_pane: LogPane,
        *,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self.table_pane = table_pane
        self.events = event_pane
        self.log_pane = log_pane
        self.sizes = PaneSizes()
        """How the panes share the screen; `set_sizes` changes it."""
        self.lower = Container(id="lower")
        """What is below the table."""
        self._given: dict[Widget, PaneSize] = {}
        """The sizes that the panes have been given."""
        self._held: Border | None = None
        """The border that the mouse drags."""
        self._held_by = 0
        """From the pointer to the end of what is before that border."""
        self.has_dragged = False
        """True when the button, since it went down last, has moved a border."""

    @property
    def is_beside(self) -> bool:
        """True where there is room for events and log side by side."""
        return self.lower.layout.name == "horizontal"

    @property
    def has_borders(self) -> bool:
        """True while more than one pane is seen."""
        return True

    def set_sizes(self, sizes: PaneSizes) -> None:
        """Share the screen like this."""
        if sizes != self.sizes:
            self.sizes = sizes
            self.fit()

    def reset_sizes(self) -> None:
        """Share the screen as it comes by itself."""
        self.set_sizes(PaneSizes())
        self._tell_sizes()

    def step_border(self, border: Border, steps: int) -> None:
        """Move a border by so many steps: down and to the right, or (negative) up and to the left."""
        span = self._span(border)
        self._move_border(border, span, span.before + steps * span.step)
        self._tell_sizes()

    def fit(self) -> None:
        """Give every pane its size; only what is another size than before costs a layout of the screen."""
        wanted = self.wanted_sizes()
        for pane in (self.table_pane, self.lower, self.events, self.log_pane):
            size, before = wanted.get(pane, PaneSize()), self._given.get(pane, PaneSize())
            self._given[pane] = size
            if size.width != before.width:
                pane.styles.width = size.width
            if size.height != before.height:
                pane.styles.height = size.height
            if size.max_height != before.max_height:
                pane.styles.max_height = size.max_height

    def wanted_sizes(self) -> dict[Widget, PaneSize]:
        """The size of every pane that is not left to the stylesheet, which holds the limits, too."""
        if not self.has_borders:
            return {}
        wanted: dict[Widget, PaneSize] = {self.table_pane: PaneSize(height=self.table_pane.lines_wanted())}
        if self.sizes.table is not None:
            above, below = fractions(self.sizes.table)
            wanted[self.table_pane] = PaneSize(height=above, max_height="100%")
            wanted[self.lower] = PaneSize(height=below)
        if self.sizes.events is not None:
            first, second = fractions(self.sizes.events)
            wanted[self.events] = PaneSize(width=first) if self.is_beside else PaneSize(height=first)
            wanted[self.log_pane] = PaneSize(width=second) if self.is_beside else PaneSize(height=second)
        return wanted

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of a border."""
        self.has_dragged = False
        border = self.border_at(event.screen_offset)
        if border is not None and event.button == 1:
            event.stop()
            self._held = border
            self._held_by = self._span(border).before - self._along(border, event.screen_offset)
            self.capture_mouse()
            self._point_at(border)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the border that is held; show the one under the pointer."""
        if self._held is None:
            self._point_at(self.border_at(event.screen_offset))
            return
        event.stop()
        before = self.sizes
        self._move_border(
            self._held, self._span(self._held), self._along(self._held, event.screen_offset) + self._held_by
        )

        self.has_dragged |= self.sizes != before

    def on_mouse_up(self) -> None:
        """Let go."""
        if self._held is not None:
            self.release_mouse()

    def on_mouse_release(self) -> None:
        """The mouse is somebody else's again, whatever took it away."""
        if self._held is not None:
            self._held = None
            self._point_at(None)
            self._tell_sizes()

    def on_leave(self) -> None:
        """Nothing is under the pointer any more."""
        if self._held is None:
            self._point_at(None)

    def border_at(self, at: Offset) -> Border | None:
        """The border at a place of the screen."""
        if not self.has_borders or not self.region.contains_point(at):
            return None
        if at.y in _rows_between(self.table_pane, self.lower, self.events):
            return Border.TABLE
        if not self.lower.region.contains_point(at):
            return None
        if self.is_beside:
            return Border.EVENTS if at.x in _columns_between(self.events, self.log_pane) else None
        return Border.EVENTS if at.y in _rows_between(self.events, self.log_pane, self.log_pane) else None

    def _span(self, border: Border) -> Span:
        """What a border divides now."""
        lower = self.lower.region
        if border is Border.TABLE:
            least_lower = LEAST_LINES if self.is_beside else 2 * LEAST_LINES
            return Span(self.table_pane.region.height, self.size.height, LEAST_TABLE_LINES, least_lower, STEP_LINES)
        if self.is_beside:
            return Span(self.events.region.width, lower.width, LEAST_CELLS, LEAST_CELLS, STEP_CELLS)
        return Span(self.events.region.height, lower.height, LEAST_LINES, LEAST_LINES, STEP_LINES)

    def _tell_sizes(self) -> None:
        self.post_message(self.SizesChanged(self, self.sizes))

    def _along(self, border: Border, at: Offset) -> int:
        return at.x if border is Border.EVENTS and self.is_beside else at.y

    def _move_border(self, border: Border, span: Span, cells: int) -> None:
        share = span.share_at(cells)
        if share is not None and self.has_borders:
            self.set_sizes(self.sizes.moved_to(border, share))

    def _point_at(self, border: Border | None) -> None:
        """Colour the two sides of a border, and none but these."""
        sides: dict[Widget, str] = {}
        if border is Border.TABLE:
            sides = {self.table_pane: "bottom", self.events: "top"}
            if self.is_beside:
                sides[self.log_pane] = "top"
        elif border is Border.EVENTS:
            before, behind = ("right", "left") if self.is_beside else ("bottom", "top")
            sides = {self.events: before, self.log_pane: behind}
        for pane in (self.table_pane, self.events, self.log_pane):
            for side in SIDES:
                pane.set_class(sides.get(pane) == side, f"-grip-{side}")


def _rows_between(above: Widget, below: Widget, framed: Widget) -> set[int]:
    """The lines of the border between two widgets; `framed` is the one at the top of what is below."""
    rows = {below.region.y} if framed.styles.border_top[0] else set()
    return rows | {above.region.bottom - 1} if above.styles.border_bottom[0] else rows


def _columns_between(left: Widget, right: Widget) -> set[int]:
    columns = {right.region.x} if right.styles.border_left[0] else set()
    return columns | {left.region.right - 1} if left.styles.border_right[0] else columns
