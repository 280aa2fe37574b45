"""The lines of the event pane: newest at the bottom, followed until the operator scrolls up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.snapshots import Event, Level
from widgets.event_book import key_of
from widgets.event_sieve import SUPERVISOR, shown_text
from widgets.inked import Inked
from widgets.log_line import spans_of
from widgets.looks import level_look
from widgets.motion import Motion, moved
from widgets.text import clean, fit, name_file
from widgets.units import format_day_time, format_time

NAME_CELLS = 16
"""The most that an instance's name takes here."""
LEAST_NAME_CELLS = 8
NAME_SHARE = 4
"""In a narrow pane a name takes at most one of so many parts: what happened is said behind it."""
TYPE_CELLS = 11
"""The longest event type, and one blank less."""
WHEEL_LINES = 3
ROOMY = 60
"""From this width on, the type has a column; messages say it as well."""


class EventList(Inked, ScrollView, can_focus=True, inherit_bindings=False):
    """Events, one a line, with a cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"events--cursor", "events--hit"}
    """
    | class | for |
    | --- | --- |
    | `events--cursor` | the event under the cursor, while the pane has the focus |
    | `events--hit` | what the search found |
    """

    DEFAULT_CSS = """
    EventList { height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    EventList > .events--cursor { background: $primary 26%; }
    EventList > .events--hit { background: $accent; color: $background; text-style: bold; }
    """

    @dataclass
    class Opened(Message):
        """One event is to be seen whole."""

        list: EventList
        event: Event

        @property
        def control(self) -> EventList:
            """The list that sent it."""
            return self.list

    @dataclass
    class Chosen(Message):
        """The log at the moment of the event under the cursor is wanted."""

    @dataclass
    class TopReached(Message):
        """The operator has come to the oldest event that is shown."""

    def __init__(self, *, shows_names: bool = True, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._shows_names = shows_names
        """False where all are of one instance, and of several days."""
        self.rows: tuple[Event, ...] = ()
        """What is shown, oldest first."""
        self.cursor = -1
        """Row under the cursor; -1 while there is no event."""
        self.is_following = True
        self.hits: re.Pattern[str] | None = None
        """What is highlighted."""
        self.nothing = ""
        """What to read while there is no event."""
        self._name_cells = len(SUPERVISOR)

    def show(self, rows: tuple[Event, ...], row: int | None) -> None:
        """Draw these events; `row` is where the event under the cursor is now, None when it is not among them."""
        moved_by = 0 if row is None else row - self.cursor
        self.rows = rows
        self._name_cells = min(NAME_CELLS, max((cell_len(one.instance or SUPERVISOR) for one in rows), default=1))
        self.virtual_size = Size(0, len(rows))
        if self.is_following or row is None:
            self.is_following, self.cursor = True, len(rows) - 1
        else:
            self.cursor = row
            self.scroll_to(y=self.scroll_offset.y + moved_by, animate=False, immediate=True)
        self._keep_cursor_seen()
        self.refresh()

    def highlight(self, hits: re.Pattern[str] | None) -> None:
        """Mark what this finds."""
        self.hits = hits
        self.refresh()

    def move(self, motion: Motion) -> None:
        """Move the cursor; at the last event the pane follows again."""
        if not self.rows:
            return
        self.go_to_row(moved(self.cursor, motion, len(self.rows), self.size.height - 1))
        if self.cursor == 0 and motion in {Motion.UP, Motion.PAGE_UP, Motion.FIRST}:
            self.post_message(self.TopReached())

    def find_hit(self, *, is_back: bool) -> int | None:
        """The next row in which something is highlighted, or the one before; None when there is none that way."""
        if self.hits is None:
            return None
        find = self.hits.search
        ahead = range(self.cursor - 1, -1, -1) if is_back else range(self.cursor + 1, len(self.rows))
        return next((row for row in ahead if find(shown_text(self.rows[row]))), None)

    def count_hits(self) -> int:
        """The rows in which something is highlighted."""
        find = self.hits.search if self.hits is not None else None
        return 0 if find is None else sum(find(shown_text(one)) is not None for one in self.rows)

    def chosen(self) -> Event | None:
        """The event under the cursor."""
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    def is_same(self, rows: tuple[Event, ...]) -> bool:
        """True when these events are drawn already."""
        return len(rows) == len(self.rows) and all(map(_is_one, rows, self.rows))

    def open_event(self) -> None:
        """Ask for the event under the cursor to be shown whole."""
        if (event := self.chosen()) is not None:
            self.post_message(self.Opened(self, event))

    def on_resize(self) -> None:
        """Keep the end in sight while following, the cursor else."""
        self._keep_cursor_seen()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the event; a second click shows the log at its moment."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        row = offset.y + self.scroll_offset.y
        if row < len(self.rows):
            self.go_to_row(row)
            if event.chain == 2:
                self.post_message(self.Chosen())

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Older events; at the top the wheel asks for more of them."""
        if self.scroll_offset.y == 0:
            self.post_message(self.TopReached())
        self._wheel(event, -WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Newer events; at the end the pane follows again."""
        self._wheel(event, WHEEL_LINES)

    def watch_has_focus(self, _has_focus: bool) -> None:  # noqa: FBT001 - Textual calls it so
        """The cursor is drawn only with the focus."""
        super().watch_has_focus(_has_focus)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One event, or what to read while there is none."""
        index = y + self.scroll_offset.y
        if index >= len(self.rows):
            text = f" {self.nothing}" if not self.rows and y == 0 else ""
            return self.drawn([Segment(text, self.ink("ink--quiet"))])
        is_cursor = index == self.cursor and self.has_focus
        return self.drawn(self._draw_event(self.rows[index]), self.paper("events--cursor") if is_cursor else None)

    def go_to_row(self, index: int) -> None:
        """Put the cursor on a row; on the last one the pane follows."""
        self.cursor = index
        self.is_following = index == len(self.rows) - 1
        self._keep_cursor_seen()
        self.refresh()

    def _wheel(self, event: events.MouseEvent, lines: int) -> None:
        """Scroll; the cursor goes along, so that the next event does not pull the view back to it."""
        event.stop()
        event.prevent_default()
        page = self.size.height
        top = max(0, min(self.scroll_offset.y + lines, len(self.rows) - page))
        self.scroll_to(y=top, animate=False, immediate=True)
        is_at_end = top + page >= len(self.rows)
        last = len(self.rows) - 1
        self.cursor = last if is_at_end and lines > 0 else max(top, min(self.cursor, top + page - 1, last))
        self.is_following = self.cursor == last
        self.refresh()

    def _draw_event(self, one: Event) -> list[Segment]:
        look = level_look(one.level)
        ink = self.ink(look.ink) if one.level is not Level.INFO else None
        head = [
            Segment(f"{look.glyph} ", self.ink(look.ink)),
            Segment(f"{(format_time if self._shows_names else format_day_time)(one.ts)} ", self.ink("ink--quiet")),
        ]
        if self._shows_names:
            cells = min(self._name_cells, max(LEAST_NAME_CELLS, self.line_width // NAME_SHARE))
            name = fit(clean(one.instance or SUPERVISOR), cells)
            head += self._marked(f"{name} ", self.ink("ink--strong"))
        is_roomy = self.line_width >= ROOMY
        if is_roomy:
            head += self._marked(fit(clean(one.type), TYPE_CELLS) + " ", ink)
        room = self.line_width - sum(segment.cell_length for segment in head)
        message = clean(one.message)
        if cell_len(message) > room:
            message = clean(name_file(one.message))
        return [*head, *self._marked(fit(message, room), None if is_roomy else ink)]

    def _marked(self, text: str, ink: Style | None) -> list[Segment]:
        """A text with what the search finds in it marked."""
        if self.hits is None:
            return [Segment(text, ink)]
        parts, at = [], 0
        for start, end in spans_of(text, self.hits):
            parts += [Segment(text[at:start], ink), Segment(text[start:end], self.paper("events--hit"))]
            at = end
        return [*parts, Segment(text[at:], ink)]

    def _keep_cursor_seen(self) -> None:
        page, top = self.size.height, self.scroll_offset.y
        if page <= 0:
            return
        if self.cursor < top:
            self.scroll_to(y=max(0, self.cursor), animate=False, immediate=True)
        elif self.cursor >= top + page:
            self.scroll_to(y=self.cursor - page + 1, animate=False, immediate=True)


def _is_one(left: Event, right: Event) -> bool:
    return left is right or key_of(left) == key_of(right)
