"""Screens that ask for something, over what was there before."""

from __future__ import annotations

from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen, ScreenResultType
from textual.widget import Widget
from textual.widgets import OptionList

from llama_orch_tui.screens.fitted import Fitted
from themes import DIALOGS


class Dialog(Fitted[ScreenResultType], ModalScreen[ScreenResultType]):
    """A screen over what was there before, which stays in sight behind it."""

    CSS_PATH = DIALOGS
    IS_VEILED: ClassVar[bool] = True
    """False where what is behind it is looked at."""

    def on_mount(self) -> None:
        """Nothing may stand over what is asked. Textual calls it for subclasses, too."""
        self.take_toasts_away()

    def on_resize(self, _event: events.Resize) -> None:
        """Another height has room for more of a list, or for less."""
        for one in self.query(OptionList):
            one.styles.max_height = None
        self.call_after_refresh(self._fit_list)

    def _fit_list(self) -> None:
        """Let a list scroll that would be cut off below, where the cursor may be: no style knows what is around it."""
        for one in self.query(".dialog > OptionList").results(OptionList):
            dialog = one.parent
            if isinstance(dialog, Widget) and one.display:
                hidden = max(child.region.bottom for child in dialog.children) - dialog.content_region.bottom
                if hidden > 0:
                    one.styles.max_height = max(1, one.size.height - hidden)
                    one.call_after_refresh(one.scroll_to_highlight)

    def action_cursor(self, step: int) -> None:
        """To the next line of its list, or to the one before."""
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def render(self) -> RenderableType:
        """What is behind: as the stylesheet tints it, or faint where there is nothing to mix a tint of."""
        behind = super().render()
        if self.IS_VEILED and self.app.native_ansi_color and isinstance(behind, BackgroundScreen):
            return _Faint(behind.screen, behind.color)
        return behind


class _Faint(BackgroundScreen):
    """The screen behind, each ink at half its strength: the terminal's own colours cannot be mixed with another."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Textual's lines, with an attribute in place of a tint."""
        faint = Style(dim=True)
        for one in super().__rich_console__(console, options):
            if isinstance(one, Segment) and not one.control:
                yield Segment(one.text, (one.style or Style.null()) + faint)
            else:
                yield one
