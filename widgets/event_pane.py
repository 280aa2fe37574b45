"""The pane of recent events: newest at the bottom, followed until the operator scrolls up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.snapshots import Event, Level
from widgets.event_sieve import EventSieve
from widgets.frame import set_title
from widgets.inked import Inked
from widgets.looks import level_look
from widgets.motion import Motion, moved
from widgets.text import clean, fit
from widgets.units import format_day_time, format_time

NAME_CELLS = 16
"""The most that an instance's name takes here."""
TYPE_CELLS = 11
"""The longest event type, and one blank less."""
ROOMY = 60
"""From this width on, the type has a column; messages say it as well."""
SUPERVISOR = "–"
"""Stands for the supervisor itself where an instance's name would be."""


class EventPane(Inked, ScrollView, can_focus=True, inherit_bindings=False):
    """The newest events, one a line."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"events--cursor"}
    """
    | class | for |
    | --- | --- |
    | `events--cursor` | the event under the cursor, while the pane has the focus |
    """

    DEFAULT_CSS = """
    EventPane { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    EventPane > .events--cursor { background: $primary 36%; }
    """

    @dataclass
    class Opened(Message):
        """One event is to be seen whole."""

        pane: EventPane
        event: Event

        @property
        def control(self) -> EventPane:
            """The pane that sent it."""
            return self.pane

    @dataclass
    class Chosen(Message):
        """The log at the moment of the event under the cursor is wanted."""

    def __init__(self, *, shows_names: bool = True, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._shows_names = shows_names
        """False where all are of one instance, and of several days."""
        self.rows: tuple[Event, ...] = ()
        """What is shown: those of the newest that pass the sieve."""
        self.sieve = EventSieve()
        self._newest: tuple[Event, ...] = ()
        self.cursor = -1
        """Row under the cursor; -1 while there is no event."""
        self.is_following = True
        self._name_cells = len(SUPERVISOR)

    def show(self, newest: tuple[Event, ...]) -> None:
        """Draw these events, oldest first; the cursor stays on its event while it is still there."""
        if newest is self._newest or newest == self._newest:
            return
        self._newest = newest
        self._pick()

    def sift(self, sieve: EventSieve) -> None:
        """Show only what passes; the cursor stays on its event, or goes to the newest."""
        if sieve != self.sieve:
            self.sieve = sieve
            self._pick()

    def _pick(self) -> None:
        newest = self.sieve.pick(self._newest)
        self._write_title(len(newest))
        if newest == self.rows:
            return
        here = self.chosen() if self.chosen() in newest else None
        dropped = self._dropped_before(here, newest)
        self.rows = newest
        self._name_cells = min(NAME_CELLS, max((cell_len(one.instance or SUPERVISOR) for one in newest), default=1))
        self.virtual_size = Size(0, len(newest))
        if self.is_following or here is None:
            self.cursor = len(newest) - 1
        else:
            self.cursor = max(0, self.cursor - dropped)
            self.scroll_to(y=self.scroll_offset.y - dropped, animate=False, immediate=True)
        self._keep_cursor_seen()
        self.refresh()

    def move(self, motion: Motion) -> None:
        """Move the cursor; at the last event the pane follows again."""
        if self.rows:
            self._go_to_row(moved(self.cursor, motion, len(self.rows), self.size.height - 1))

    def chosen(self) -> Event | None:
        """The event under the cursor."""
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    def open_event(self) -> None:
        """Ask for the event under the cursor to be shown whole."""
        if (event := self.chosen()) is not None:
            self.post_message(self.Opened(self, event))

    def on_resize(self) -> None:
        """Keep the end in sight while following, the cursor else."""
        self._write_title(len(self.rows))
        self._keep_cursor_seen()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the event; a second click shows the log at its moment."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        row = offset.y + self.scroll_offset.y
        if row < len(self.rows):
            self._go_to_row(row)
            if event.chain == 2:
                self.post_message(self.Chosen())

    def watch_has_focus(self, _has_focus: bool) -> None:  # noqa: FBT001 - Textual calls it so
        """The cursor is drawn only with the focus."""
        super().watch_has_focus(_has_focus)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One event, or what to read while there is none."""
        index = y + self.scroll_offset.y
        if index >= len(self.rows):
            return self.drawn(
                [Segment(self._say_nothing() if not self.rows and y == 0 else "", self.ink("ink--quiet"))]
            )
        is_cursor = index == self.cursor and self.has_focus
        return self.drawn(self._draw_event(self.rows[index]), self.paper("events--cursor") if is_cursor else None)

    def _draw_event(self, one: Event) -> list[Segment]:
        look = level_look(one.level)
        ink = self.ink(look.ink) if one.level is not Level.INFO else None
        head = [
            Segment(f"{look.glyph} ", self.ink(look.ink)),
            Segment(f"{(format_time if self._shows_names else format_day_time)(one.ts)} ", self.ink("ink--quiet")),
        ]
        if self._shows_names:
            name = fit(clean(one.instance or SUPERVISOR), self._name_cells)
            head.append(Segment(f"{name} ", self.ink("ink--strong")))
        is_roomy = self.line_width >= ROOMY
        if is_roomy:
            head.append(Segment(fit(clean(one.type), TYPE_CELLS) + " ", ink))
        room = self.line_width - sum(segment.cell_length for segment in head)
        return [*head, Segment(fit(clean(one.message), room), None if is_roomy else ink)]

    def _say_nothing(self) -> str:
        return " Nothing has happened yet." if not self._newest else " None of the newest events is like this."

    def _write_title(self, shown: int) -> None:
        """What is held back is said, with how many are left of how many."""
        kept = f" · {shown} of {len(self._newest)}" if not self.sieve.is_open else ""
        set_title(self, " · ".join(filter(None, ["Events", clean(self.sieve.describe())])) + kept)

    def _go_to_row(self, index: int) -> None:
        self.cursor = index
        self.is_following = index == len(self.rows) - 1
        self._keep_cursor_seen()
        self.refresh()

    def _keep_cursor_seen(self) -> None:
        page, top = self.size.height, self.scroll_offset.y
        if page <= 0:
            return
        if self.cursor < top:
            self.scroll_to(y=max(0, self.cursor), animate=False, immediate=True)
        elif self.cursor >= top + page:
            self.scroll_to(y=self.cursor - page + 1, animate=False, immediate=True)

    def _dropped_before(self, here: Event | None, newest: tuple[Event, ...]) -> int:
        """How many rows the event under the cursor has moved up, because older ones fell out of the window."""
        if here is None or here not in newest:
            return 0
        return self.cursor - newest.index(here)
