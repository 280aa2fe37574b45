"""Screens that are styled once when they open, for the size that the terminal has."""

from __future__ import annotations

from textual import events
from textual.screen import Screen, ScreenResultType


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


def _breakpoint(cells: int, breakpoints: list[tuple[int, str]]) -> str:
    """The class of the largest least size that `cells` reach; empty for none."""
    return max(((least, name) for least, name in breakpoints if cells >= least), default=(0, ""))[1]
