"""Titles in the frames of panes."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget


def set_title(pane: Widget, title: str) -> None:
    """Write `title`, literally, into the pane's upper border; a border without corners gets blanks around it.

    A title that is there already is left alone: another one draws the whole pane again.
    """
    has_corners = bool(pane.styles.border_left[0])
    content = Content(title if has_corners else f" {title} ")
    if content.markup != pane.border_title:
        pane.border_title = content
