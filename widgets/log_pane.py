"""The log pane: its title, the lines of a log, and the line where a search, a filter or a moment is typed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from engine.errors import UsageError
from engine.log_asking import LogFilter, LogLevel, LogPattern, LogSearch, LogWindow, Seek
from engine.plural import format_count
from engine.protocol import LogView
from widgets.frame import set_title
from widgets.log_text import LogText
from widgets.motion import Motion
from widgets.pane_prompt import PanePrompt, PromptKind
from widgets.text import clean, fit
from widgets.units import format_bytes

LEAST_NAME_CELLS = 8
LEVELS = (None, LogLevel.WARNING, LogLevel.ERROR)
"""What the level key goes through."""


class LogPane(Vertical):
    """A log through a `LogView` that somebody else opens; owns what is searched and filtered in it."""

    DEFAULT_CSS = """
    LogPane { height: 1fr; }
    """

    @dataclass
    class MomentAsked(Message):
        """The operator wants to see a moment; the text is as typed."""

        pane: LogPane
        text: str

        @property
        def control(self) -> LogPane:
            """The pane that sent it."""
            return self.pane

    @dataclass
    class StateChanged(Message):
        """Other keys make sense now."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.text = LogText(id="log")
        """The lines; they take the focus."""
        self.search: LogPattern | None = None
        self.asked = LogFilter()
        self.names: tuple[str, ...] = ()
        """Whose log is shown."""
        self._prompt = PanePrompt()
        self._view: LogView | None = None
        self._name = ""
        self._moment = ""

    def compose(self) -> ComposeResult:
        """Lines, prompt."""
        yield self.text
        yield self._prompt

    def on_mount(self) -> None:
        """The title is there before the first log."""
        self._retitle()

    def on_unmount(self) -> None:
        """Let the reader go."""
        self.watch_log(None, "")

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

    def watch_log(self, view: LogView | None, name: str, names: tuple[str, ...] = ()) -> None:
        """Show this view from here on, unfiltered, and close the one before; `names` are those it merges."""
        if self._view is not None:
            self._view.close()
        self._view, self._name = view, name
        self.names = names or ((name,) if view is not None else ())
        self.search, self.asked, self.text.hits = None, LogFilter(), None
        if self._prompt.is_typing:
            self.text.focus()
        self._prompt.close()
        self.text.watch_view(view, names, view.window() if view is not None else LogWindow(name))
        self._retitle()

    def poll(self) -> None:
        """Draw the newest window when it is another one; to be called ten times a second, nobody reads faster."""
        if self._view is None:
            return
        window = self._view.window()
        if window is not self.text.log_window:
            self.text.show(window)
            self._retitle()
            self._tell_hits(window)

    def move(self, motion: Motion) -> None:
        """Scroll; up stops following, the end follows again."""
        self.text.move(motion)

    # -- what the keys do

    def open_prompt(self, kind: PromptKind) -> None:
        """Let the operator type a search, a filter or a moment, beginning with what is in force."""
        pattern = self.search if kind is PromptKind.SEARCH else self.asked.pattern
        if kind is PromptKind.TIME:
            self._prompt.open(kind, self._moment, is_regex=False)
        else:
            self._prompt.open(kind, pattern.text if pattern else "", is_regex=pattern is not None and pattern.is_regex)

    def to_hit(self, *, is_back: bool) -> None:
        """Go to the next hit, or the one before; without a search let one be typed."""
        if self._view is None:
            return
        if self.search is None:
            self.open_prompt(PromptKind.SEARCH)
        else:
            self._view.to_hit(is_back=is_back)

    def next_level(self) -> None:
        """Show all, then warnings and errors, then errors only."""
        least = LEVELS[(LEVELS.index(self.asked.least) + 1) % len(LEVELS)]
        self._filter(replace(self.asked, least=least))

    def toggle_wrap(self) -> None:
        """Break long lines, or not."""
        self.text.set_wrap(is_wrapped=not self.text.is_wrapped)
        self._retitle()

    def toggle_hold(self) -> None:
        """Stop where it is, or follow the end."""
        if self._view is None:
            return
        if self.text.log_window.at_end:
            self._view.hold()
        else:
            self._view.to_end()

    def copied(self) -> tuple[str, ...]:
        """What is to be copied: the selected lines, or those on the screen; each as it is shown."""
        return tuple(self.text.plain(line) for line in self.text.selection or self.text.shown())

    def to_time(self, ts: float) -> None:
        """Show what was read at `ts` (seconds since the epoch)."""
        if self._view is not None:
            self._view.to_time(ts)

    def tell(self, remark: str) -> None:
        """Say what is wrong with what is typed."""
        self._prompt.tell(remark, is_wrong=True)

    def keep_moment(self, text: str) -> None:
        """What was typed led somewhere: back to the lines."""
        self._moment = text
        self._leave()

    def lift(self) -> bool:
        """Drop the selection, else the search, else the filter; False when there is none."""
        if self.text.selection:
            self.text.selection = ()
            self.text.refresh()
        elif self.search is not None:
            self._look_for(None)
        elif self.asked:
            self._filter(LogFilter())
        else:
            return False
        return True

    @property
    def can_lift(self) -> bool:
        """True when `lift` has something to drop."""
        return bool(self.text.selection or self.search is not None or self.asked)

    # -- what is typed

    @on(PanePrompt.Typed)
    def try_typed(self, event: PanePrompt.Typed) -> None:
        """Search and filter while it is typed; what is no expression (yet) is told."""
        event.stop()
        if event.kind is PromptKind.TIME:
            self._prompt.tell("")
            return
        pattern = LogPattern(event.text, event.is_regex) if event.text else None
        try:
            if event.kind is PromptKind.SEARCH:
                self._look_for(pattern)
            else:
                self._filter(replace(self.asked, pattern=pattern))
        except UsageError as error:
            self._prompt.tell(str(error).partition(": ")[2], is_wrong=True)
        else:
            self._prompt.tell("")

    @on(PanePrompt.Ended)
    def end_typing(self, event: PanePrompt.Ended) -> None:
        """Enter goes to the nearest hit, or to the moment; escape takes the search or the filter away."""
        event.stop()
        if event.kind is PromptKind.TIME and event.is_kept and event.text.strip():
            self.post_message(self.MomentAsked(self, event.text.strip()))
            return
        if event.kind is PromptKind.SEARCH:
            if not event.is_kept:
                self._look_for(None)
            elif self._view is not None and self.search is not None:
                self._view.to_hit(is_back=True)
        elif event.kind is PromptKind.FILTER and not event.is_kept:
            self._filter(replace(self.asked, pattern=None))
        self._leave()

    def _leave(self) -> None:
        self._prompt.close()
        self.text.focus()
        self._retitle()

    def _look_for(self, pattern: LogPattern | None) -> None:
        hits = pattern.compiled() if pattern is not None else None
        if self._view is not None:
            self._view.set_search(pattern)
        self.search, self.text.hits = pattern, hits
        self.text.refresh()
        self._say_changed()

    def _filter(self, asked: LogFilter) -> None:
        if asked.pattern is not None:
            asked.pattern.compiled()
        if self._view is not None:
            self._view.set_filter(asked)
        self.asked = asked
        self._say_changed()

    def _say_changed(self) -> None:
        self._retitle()
        self.post_message(self.StateChanged())

    def _tell_hits(self, window: LogWindow) -> None:
        is_searching = self._prompt.is_typing and self._prompt.kind is PromptKind.SEARCH
        if self._prompt.is_wrong:
            return  # the hits of the last good pattern are no answer to what is typed
        if is_searching and window.search is not None and window.search.pattern == self.search:
            self._prompt.tell(search_words(window.search))

    # -- the title

    def title(self) -> str:
        """The name of the log, what is searched and left out, and where in it the pane is."""
        window = self.text.log_window
        status = self._status(window)
        if not self._name:
            return " · ".join(["Log", *status])
        name = clean(self._name)
        room = max(LEAST_NAME_CELLS, self.size.width - cell_len(" · ".join(status)) - 16)
        return " · ".join(["Log", name if cell_len(name) <= room else fit(name, room), *status])

    def _status(self, window: LogWindow) -> list[str]:
        parts = []
        if self.asked.pattern is not None:
            parts.append(f"filter {fit_word(self.asked.pattern.text)}")
        if self.asked.least is not None:
            parts.append("errors" if self.asked.least is LogLevel.ERROR else "warnings, errors")
        if self.search is not None and window.search is not None and window.search.pattern == self.search:
            parts.append(f"{fit_word(self.search.text)}: {search_words(window.search)}")
        if self.text.is_wrapped:
            parts.append("wrap")
        if not window.at_end:
            parts.append("paused")
            if window.new_lines:
                parts.append(format_count(window.new_lines, "new line"))
        elif window.size_bytes:
            parts.append(format_bytes(window.size_bytes))
        return parts

    def _retitle(self) -> None:
        set_title(self, self.title())


def search_words(search: LogSearch) -> str:
    """How a search stands, in a few words."""
    if search.seek is Seek.NOTHING or (search.counted == 1.0 and not search.hits):
        return "no match"
    words = format_count(search.hits, "line")
    if search.counted < 1.0:
        words += f" in {search.counted:.0%}"
    if search.seek is Seek.SEEKING:
        words += ", looking"
    return f"{words}, from the other end" if search.seek is Seek.WRAPPED else words


def fit_word(text: str) -> str:
    """A typed text, short enough for a title."""
    cleaned = clean(text)
    return cleaned if cell_len(cleaned) <= 16 else fit(cleaned, 16)
