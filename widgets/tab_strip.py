"""Tabs in one line: number, name, and which one is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from widgets.inked import Inked


class Tab(NamedTuple):
    """One tab."""

    key: str
    """What opens it, as it is shown."""
    label: str
    brief: str
    """The label where there is little room."""


class TabStrip(Inked):
    """A line of tabs; a click picks one. The open one is drawn between brackets, not by colour alone."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"tabs--open"}
    """
    | class | for |
    | --- | --- |
    | `tabs--open` | the tab that is open |
    """

    DEFAULT_CSS = """
    TabStrip { height: 1; width: 1fr; }
    TabStrip > .tabs--open { background: $primary 36%; color: $foreground; text-style: bold; }
    """

    @dataclass
    class Picked(Message):
        """A tab was clicked."""

        strip: TabStrip
        index: int

        @property
        def control(self) -> TabStrip:
            """The strip that sent it."""
            return self.strip

    def __init__(self, tabs: Sequence[Tab], *, open_index: int = 0, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.tabs = tuple(tabs)
        self.open_index = open_index

    def open(self, index: int) -> None:
        """Draw this one as open."""
        if index != self.open_index:
            self.open_index = index
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Say which tab was hit."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        end = 0
        for index, text in enumerate(self._texts()):
            end += cell_len(text)
            if offset.x < end:
                self.post_message(self.Picked(self, index))
                return

    def render_line(self, y: int) -> Strip:
        """All tabs, side by side."""
        if y:
            return self.drawn([])
        segments = []
        for index, (text, tab) in enumerate(zip(self._texts(), self.tabs, strict=True)):
            if index == self.open_index:
                segments.append(Segment(text, self.paper("tabs--open")))
                continue
            head, tail = text[: 1 + len(tab.key)], text[1 + len(tab.key) :]
            segments += [Segment(head, self.ink("ink--key")), Segment(tail, self.ink("ink--quiet"))]
        return self.drawn(segments)

    def _texts(self) -> tuple[str, ...]:
        return tab_texts(self.tabs, self.open_index, self.line_width)


def tab_texts(tabs: Sequence[Tab], open_index: int, width: int) -> tuple[str, ...]:
    """What each tab says in a line of `width` cells: whole labels, else brief ones, else keys and the open label."""
    for form in (_whole, _brief, _bare):
        texts = tuple(form(tab, is_open=index == open_index) for index, tab in enumerate(tabs))
        if sum(map(cell_len, texts)) <= width:
            break
    return texts


def _framed(text: str, *, is_open: bool) -> str:
    return f"[{text}]" if is_open else f" {text} "


def _whole(tab: Tab, *, is_open: bool) -> str:
    return _framed(f"{tab.key} {tab.label}", is_open=is_open)


def _brief(tab: Tab, *, is_open: bool) -> str:
    return _framed(f"{tab.key} {tab.label if is_open else tab.brief}", is_open=is_open)


def _bare(tab: Tab, *, is_open: bool) -> str:
    return _framed(f"{tab.key} {tab.brief}" if is_open else tab.key, is_open=is_open)
