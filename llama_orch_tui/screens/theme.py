"""Choosing a theme: the console wears the one under the cursor, and keeps it only when it is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from llama_orch_tui.dialog_keys import DialogKind, bindings_of, frame_hints
from llama_orch_tui.screens.dialog import Dialog


class ThemeScreen(Dialog[str | None]):
    """Returns the name of the chosen theme, or None when the operator backs out; then the old one is worn again."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(DialogKind.THEME)]

    IS_VEILED = False

    def __init__(self, names: Sequence[str], worn: str) -> None:
        super().__init__()
        self._names = tuple(names)
        self._worn = worn

    def compose(self) -> ComposeResult:
        """The names in a corner, so that the console stays in sight."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Theme"
            dialog.border_subtitle = frame_hints(DialogKind.THEME)
            yield OptionList(*(Option(name, id=name) for name in self._names), markup=False)

    def on_mount(self) -> None:
        """The cursor stands on what is worn."""
        names = self.query_one(OptionList)
        names.highlighted = self._names.index(self._worn) if self._worn in self._names else 0
        names.focus()

    @on(OptionList.OptionHighlighted)
    def try_on(self, event: OptionList.OptionHighlighted) -> None:
        """Wear what is under the cursor."""
        if event.option.id is not None:
            self.app.theme = event.option.id

    @on(OptionList.OptionSelected)
    def keep(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click keeps it."""
        self.dismiss(event.option.id)

    def action_cancel(self) -> None:
        """Wear what was worn before."""
        self.app.theme = self._worn
        self.dismiss(None)

    def action_keep_worn(self) -> None:
        """Keep what is worn now."""
        self.dismiss(self.app.theme)
