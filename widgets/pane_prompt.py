"""Where a search, a filter, a moment or a file is typed, at the foot of a pane of lines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static


class PromptKind(StrEnum):
    """What is typed; the value stands before it."""

    SEARCH = "search"
    FILTER = "filter"
    TIME = "time"
    FILE = "save as"


HINTS = {
    PromptKind.SEARCH: "text to look for",
    PromptKind.FILTER: "show only lines with this text",
    PromptKind.TIME: "10m (ago), 14:05, 2026-01-31T14:05:00",
    PromptKind.FILE: "a file that is not there yet",
}
PATTERNS = frozenset({PromptKind.SEARCH, PromptKind.FILTER})
"""What may be a regular expression."""


class PromptLine(Input, inherit_bindings=True):
    """The line itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "abandon", "Drop", show=False, id="prompt.abandon"),
        Binding("ctrl+r", "switch", "Text or regex", show=False, id="prompt.regex"),
    ]
    """
    | key | does |
    | --- | --- |
    | `enter` | back to the lines, what was typed stays in force |
    | `escape` | back to the lines, what was typed goes |
    | `ctrl+r` | text, or regular expression |
    """

    DEFAULT_CSS = """
    PromptLine, PromptLine:focus { border: none; height: 1; width: 1fr; padding: 0 1; background: $surface; }
    """

    @dataclass
    class Abandoned(Message):
        """The operator wants none of it."""

    @dataclass
    class Switched(Message):
        """Text or regular expression: the other one."""

    def action_abandon(self) -> None:
        """Back to the lines without it."""
        self.post_message(self.Abandoned())

    def action_switch(self) -> None:
        """The other way to read what is typed."""
        self.post_message(self.Switched())


class PanePrompt(Horizontal):
    """A label, the line, and what there is to say about it."""

    DEFAULT_CSS = """
    PanePrompt { height: 1; display: none; background: $surface; }
    PanePrompt.-open { display: block; }
    PanePrompt > Static { width: auto; padding: 0 1; color: $text-accent; }
    PanePrompt > #prompt-told { color: $foreground 70%; max-width: 60%; }
    PanePrompt > #prompt-told.-wrong { color: $text-error; }
    """

    @dataclass
    class Typed(Message):
        """The text changed, or how it is read."""

        prompt: PanePrompt
        kind: PromptKind
        text: str
        is_regex: bool

        @property
        def control(self) -> PanePrompt:
            """The prompt that sent it."""
            return self.prompt

    @dataclass
    class Ended(Message):
        """The operator is done, and keeps what was typed or not."""

        prompt: PanePrompt
        kind: PromptKind
        text: str
        is_kept: bool

        @property
        def control(self) -> PanePrompt:
            """The prompt that sent it."""
            return self.prompt

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.kind = PromptKind.SEARCH
        self.is_regex = False
        self._label = Static("", markup=False)
        self._line = PromptLine(id="prompt-line", select_on_focus=True)
        self._told = Static("", markup=False, id="prompt-told")

    def compose(self) -> ComposeResult:
        """Label, line, remark."""
        yield self._label
        yield self._line
        yield self._told

    def on_mount(self) -> None:
        """A still cursor costs nothing."""
        self._line.cursor_blink = False

    @property
    def is_typing(self) -> bool:
        """True while the line has the focus."""
        return self._line.has_focus

    def open(self, kind: PromptKind, text: str, *, is_regex: bool) -> None:
        """Let the operator type, beginning with `text`."""
        self.kind, self.is_regex = kind, is_regex
        with self.prevent(Input.Changed):
            self._line.value = text
        self._line.placeholder = HINTS[kind]
        self._relabel()
        self.tell("")
        self.add_class("-open")
        self._line.focus()

    def close(self) -> None:
        """Take the line away."""
        self.remove_class("-open")

    @property
    def is_wrong(self) -> bool:
        """True while it says that what is typed is wrong."""
        return self._told.has_class("-wrong")

    def tell(self, remark: str, *, is_wrong: bool = False) -> None:
        """Say something about what is typed."""
        self._told.update(Content(remark))
        self._told.set_class(is_wrong, "-wrong")

    @on(Input.Changed)
    def pass_on(self, event: Input.Changed) -> None:
        """Each letter counts."""
        event.stop()
        self._tell_typed()

    @on(PromptLine.Switched)
    def switch(self, event: PromptLine.Switched) -> None:
        """Read it the other way."""
        event.stop()
        if self.kind in PATTERNS:
            self.is_regex = not self.is_regex
            self._relabel()
            self._tell_typed()

    @on(Input.Submitted)
    def keep(self, event: Input.Submitted) -> None:
        """Enter keeps it."""
        event.stop()
        self.post_message(self.Ended(self, self.kind, self._line.value, is_kept=True))

    @on(PromptLine.Abandoned)
    def abandon(self, event: PromptLine.Abandoned) -> None:
        """Escape drops it."""
        event.stop()
        self.post_message(self.Ended(self, self.kind, self._line.value, is_kept=False))

    def _tell_typed(self) -> None:
        self.post_message(self.Typed(self, self.kind, self._line.value, self.is_regex))

    def _relabel(self) -> None:
        self._label.update(Content(f"{self.kind.value} regex" if self.is_regex else self.kind.value))
