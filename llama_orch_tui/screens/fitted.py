"""Screens that are styled once when they open, for the size that the terminal has."""

from __future__ import annotations

from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen, Screen, ScreenResultType

from themes import DIALOGS


class Fitted(Screen[ScreenResultType]):
    """A screen with breakpoints.

    Textual styles every widget when it is mounted, again when the screen is shown for the first time, and again when
    the screen hears of its size and takes the classes of its breakpoints. Here the classes are there before the
    widgets, so that the first picture is the right one, and nothing is styled twice.
    """

    _is_fresh = True
    """False once the screen has been shown."""

    def on_compose(self) -> None:
        """Take the classes of the breakpoints; Textual mounts the widgets afterwards."""
        width, height = self.app.size
        names = {
            _breakpoint(width, self.HORIZONTAL_BREAKPOINTS or []),
            _breakpoint(height, self.VERTICAL_BREAKPOINTS or []),
        }
        self.update_classes({name: True for name in names if name}, animate=False)

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """What was mounted a moment ago has its styles; a screen that was covered gets them as ever."""
        if self._is_fresh:
            self._is_fresh = event.refresh_styles = False

    def take_toasts_away(self) -> None:
        """Tell no longer what was told: it would stand over the screen that opens."""
        self.app.clear_notifications()
        for screen in self.app.screen_stack:  # those behind are told of it when they are shown again
            screen.query("ToastHolder").remove()


class Dialog(Fitted[ScreenResultType], ModalScreen[ScreenResultType]):
    """A screen over what was there before, which stays in sight behind it."""

    CSS_PATH = DIALOGS
    IS_VEILED: ClassVar[bool] = True
    """False where what is behind it is looked at."""

    def on_mount(self) -> None:
        """Nothing may stand over what is asked. Textual calls it for subclasses, too."""
        self.take_toasts_away()

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


def _breakpoint(cells: int, breakpoints: list[tuple[int, str]]) -> str:
    """The class of the largest least size that `cells` reach; empty for none."""
    return max(((least, name) for least, name in breakpoints if cells >= least), default=(0, ""))[1]
