"""One event, whole, over the dashboard."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll

from engine.description import DescribeSection
from engine.snapshots import Event, MetaValue
from llama_orch_tui.dialog_keys import DialogKind, bindings_of, frame_hints
from llama_orch_tui.screens.dialog import Dialog
from widgets.fact_sheet import FactSheet
from widgets.units import format_moment


def event_sections(event: Event) -> list[DescribeSection]:
    """Everything an event holds, in words."""
    rows = [
        ("when", format_moment(event.ts)),
        ("instance", event.instance or "– (the supervisor)"),
        ("level", event.level.value),
        ("type", str(event.type)),
        ("message", event.message),
    ]
    rows += [(key.replace("_", " "), _meta_text(value)) for key, value in event.meta if value not in {None, "", ()}]
    return [DescribeSection("", rows=tuple(rows))]


def _meta_text(value: MetaValue) -> str:
    return "\n".join(value) if isinstance(value, tuple) else str(value)


class EventScreen(Dialog[None]):
    """A dialog that any of the usual keys closes."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(DialogKind.EVENT)]

    def __init__(self, event: Event) -> None:
        super().__init__()
        self._event = event

    def compose(self) -> ComposeResult:
        """The facts in a frame."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "Event"
            dialog.border_subtitle = frame_hints(DialogKind.EVENT)
            yield FactSheet(event_sections(self._event))

    def action_scroll(self, step: int) -> None:
        """A line up or down."""
        dialog = self.query_one(VerticalScroll)
        if step > 0:
            dialog.scroll_down(animate=False)
        else:
            dialog.scroll_up(animate=False)
