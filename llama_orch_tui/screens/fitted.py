"""Screens that are styled once when they open, for the size that the terminal has."""

from __future__ import annotations

from textual import events
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


class Dialog(Fitted[ScreenResultType], ModalScreen[ScreenResultType]):
    """A screen over what was there before."""

    CSS_PATH = DIALOGS


def _breakpoint(cells: int, breakpoints: list[tuple[int, str]]) -> str:
    """The class of the largest least size that `cells` reach; empty for none."""
    return max(((least, name) for least, name in breakpoints if cells >= least), default=(0, ""))[1]
