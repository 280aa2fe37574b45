"""The event pane: its title, the events, and the line where a search, a filter or a file is typed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from engine.errors import UsageError
from engine.log_asking import LogPattern
from engine.plural import format_count
from engine.snapshots import Event, EventPlace
from widgets.event_book import EventBook, OlderEvents
from widgets.event_list import EventList
from widgets.event_sieve import EventSieve, shown_text
from widgets.frame import set_title
from widgets.motion import Motion
from widgets.pane_prompt import PanePrompt, PromptKind
from widgets.text import clean


class EventPane(Vertical):
    """The newest events and, on request, older ones that somebody else reads; owns what is searched and held back."""

    DEFAULT_CSS = """
    EventPane { height: 1fr; }
    """

    @dataclass
    class OlderAsked(Message):
        """Events that are stored and not known here are wanted: those that pass the sieve."""

        pane: EventPane
        sieve: EventSieve
        before: EventPlace | None
        """Where to go back from; None is the newest."""
        is_typing: bool
        """True while the sieve may change with the next letter."""
        goal: LogPattern | None
        """What is searched: go back until it is found."""

        @property
        def control(self) -> EventPane:
            """The pane that sent it."""
            return self.pane

    @dataclass
    class FileNamed(Message):
        """The operator wants what is shown in a file; the text is as typed."""

        pane: EventPane
        text: str

        @property
        def control(self) -> EventPane:
            """The pane that sent it."""
            return self.pane

    @dataclass
    class StateChanged(Message):
        """Other keys make sense now."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.list = EventList(id="events")
        """The lines; they take the focus."""
        self.search: LogPattern | None = None
        self._book = EventBook()
        self._prompt = PanePrompt()
        self._is_reading = False
        self._goal: LogPattern | None = None
        self._told = ""

    def compose(self) -> ComposeResult:
        """Lines, prompt."""
        yield self.list
        yield self._prompt

    def on_mount(self) -> None:
        """The title is there before the first event."""
        self._redraw()

    def on_resize(self) -> None:
        """Another frame may want another title."""
        self._retitle()

    @property
    def is_typing(self) -> bool:
        """True while something is typed here."""
        return self._prompt.is_typing

    @property
    def prompt_kind(self) -> PromptKind:
        """What is typed."""
        return self._prompt.kind

    @property
    def sieve(self) -> EventSieve:
        """What is held back."""
        return self._book.sieve

    @property
    def has_events(self) -> bool:
        """True while anything is shown, or held back."""
        return bool(self._book.total)

    def show(self, newest: tuple[Event, ...]) -> None:
        """Draw these events, oldest first; the cursor stays on its event while it is still there."""
        is_at_rest = self.list.is_following and self.sieve.is_open and self.search is None
        is_forgetting = is_at_rest and self._book.reached is not None and not self._is_reading
        if is_forgetting:
            self._book.forget_older()
        if self._book.take_recent(newest) or is_forgetting:
            self._redraw()

    def sift(self, sieve: EventSieve) -> None:
        """Show only what passes, also of what is stored; the cursor stays on its event, or goes to the newest.

        Raises:
            UsageError: its pattern is no regular expression.
        """
        if sieve == self.sieve:
            return
        self._book.sift(sieve)
        self._is_reading = False
        self._goal = None
        if not sieve.is_open:
            self._ask_for_older()
        self._redraw()
        self.post_message(self.StateChanged())

    def take_older(self, sieve: EventSieve, older: OlderEvents) -> None:
        """What was asked for has been read; an answer to what nobody wants any more is let go."""
        if sieve != self.sieve or not self._is_reading:
            return
        self._is_reading = False
        self._book.take_older(older)
        self._redraw()
        if self._goal is not None and self._goal == self.search:
            self._go_on_searching()

    def give_up_reading(self, sieve: EventSieve) -> None:
        """What was asked for cannot be read."""
        if sieve == self.sieve:
            self._is_reading, self._goal = False, None
            self._redraw()

    def count_types(self) -> Counter[str]:
        """How many events of each type are known that only the type may hold back."""
        passes = replace(self.sieve, type=None).tester()
        return Counter(str(one.type) for one in self._book.known() if passes(one))

    def move(self, motion: Motion) -> None:
        """Move the cursor; at the last event the pane follows again."""
        self.list.move(motion)

    # -- what the keys do

    def open_prompt(self, kind: PromptKind, text: str = "") -> None:
        """Let a search or a filter be typed, beginning with what is in force, or a file, beginning with `text`."""
        pattern = {PromptKind.SEARCH: self.search, PromptKind.FILTER: self.sieve.pattern}.get(kind)
        is_regex = pattern is not None and pattern.is_regex
        self._prompt.open(kind, pattern.text if pattern else text, is_regex=is_regex)

    def to_hit(self, *, is_back: bool) -> None:
        """Go to the next hit, or the one before; without a search let one be typed."""
        if self.search is None:
            self.open_prompt(PromptKind.SEARCH)
            return
        row = self.list.find_hit(is_back=is_back)
        self._told = ""
        if row is not None:
            self.list.go_to_row(row)
        elif is_back and self._book.can_grow:
            self._goal = self.search
            self._ask_for_older()
        else:
            self._told = "no match further on" if self.list.count_hits() else "no match"
        self._retitle()

    def lift(self) -> bool:
        """Drop the search, else what is held back; False when there is neither."""
        if self.search is not None:
            self._look_for(None)
        elif not self.sieve.is_open:
            self.sift(EventSieve())
        else:
            return False
        return True

    def tell(self, remark: str) -> None:
        """Say what is wrong with what is typed."""
        self._prompt.tell(remark, is_wrong=True)

    def leave_prompt(self) -> None:
        """Back to the lines."""
        self._prompt.close()
        self.list.focus()
        self._retitle()

    # -- what is typed

    @on(PanePrompt.Typed)
    def try_typed(self, event: PanePrompt.Typed) -> None:
        """Search and filter while it is typed; what is no expression (yet) is told."""
        event.stop()
        self._prompt.tell("")
        if event.kind is PromptKind.FILE:
            return
        pattern = LogPattern(event.text, event.is_regex) if event.text else None
        try:
            if event.kind is PromptKind.SEARCH:
                self._look_for(pattern)
            else:
                self.sift(replace(self.sieve, pattern=pattern))
        except UsageError as error:
            self.tell(str(error).partition(": ")[2])

    @on(PanePrompt.Ended)
    def end_typing(self, event: PanePrompt.Ended) -> None:
        """Enter goes to the nearest hit, or saves; escape takes the search or the filter away."""
        event.stop()
        if event.kind is PromptKind.FILE and event.is_kept and event.text.strip():
            self.post_message(self.FileNamed(self, event.text.strip()))
            return
        self.leave_prompt()
        if event.kind is PromptKind.SEARCH and event.is_kept and self.search is not None:
            chosen = self.list.chosen()
            if chosen is None or self.search.compiled().search(shown_text(chosen)) is None:
                self.to_hit(is_back=True)
        elif event.kind is PromptKind.SEARCH and not event.is_kept:
            self._look_for(None)
        elif event.kind is PromptKind.FILTER and not event.is_kept:
            self.sift(replace(self.sieve, pattern=None))

    @on(EventList.TopReached)
    def want_older(self, event: EventList.TopReached) -> None:
        """At the top there may be more."""
        event.stop()
        self._ask_for_older()

    def _ask_for_older(self) -> None:
        if self._is_reading or not self._book.can_grow:
            return
        self._is_reading = True
        is_typing = self._prompt.is_typing
        self.post_message(self.OlderAsked(self, self.sieve, self._book.reached, is_typing, self._goal))
        self._retitle()

    def _go_on_searching(self) -> None:
        """After a reading that was to find something: go there, or say how far it has come."""
        self._goal = None
        row = self.list.find_hit(is_back=True)
        if row is not None:
            self.list.go_to_row(row)
        else:
            self._told = "no match so far" if self._book.can_grow else "no match before"
        self._retitle()

    def _look_for(self, pattern: LogPattern | None) -> None:
        hits = pattern.compiled() if pattern is not None else None
        self.search, self._goal, self._told = pattern, None, ""
        self.list.highlight(hits)
        self._retitle()
        self.post_message(self.StateChanged())

    # -- what is drawn

    def _redraw(self) -> None:
        chosen = self.list.chosen()
        self.list.nothing = self._say_nothing()
        if self.list.is_same(self._book.rows):
            self.list.refresh()
        else:
            self.list.show(self._book.rows, self._book.find(chosen) if chosen is not None else None)
        self._retitle()

    def _say_nothing(self) -> str:
        if self.sieve.is_open:
            return "Nothing has happened yet."
        return "Looking for events …" if self._is_reading else "No event passes the filter."

    def title(self) -> str:
        """How much is shown of how much, what is held back, and how the search stands."""
        parts = ["Events"]
        if not self.sieve.is_open:
            more = "+" if self._book.can_grow else ""
            parts += [f"{len(self._book.rows):,}{more} of {self._book.total:,}", self.sieve.describe()]
        if self.search is not None:
            found = self._told or format_count(self.list.count_hits(), "event")
            parts.append(f"{clean(self.search.text)}: {found}")
        if self._is_reading:
            parts.append("reading")
        elif self._book.is_full:
            parts.append("no more fit")
        return " · ".join(clean(part) for part in parts)

    def _retitle(self) -> None:
        set_title(self, self.title())
