"""What the pages to read have in common: one frame that scrolls, the keys below it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget

from llama_orch_tui.action_kinds import Scope
from llama_orch_tui.actions import in_scopes
from llama_orch_tui.hints import hints_for, obey_hint
from llama_orch_tui.keymap import DEFAULT_KEYS, keys_of
from llama_orch_tui.screens.fitted import Fitted
from themes import DIALOGS
from widgets.key_footer import KeyFooter
from widgets.motion import Motion


class PageScreen(Fitted[None]):
    """A page: subclasses say what is on it."""

    BINDINGS: ClassVar[list[BindingType]] = [*DEFAULT_KEYS.bindings(Scope.PAGE, Scope.MOVES)]
    CSS_PATH = DIALOGS
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual's own type

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PAGE, Scope.MOVES)
    """Whose keys work on the page."""
    is_of_instance = False
    """True where the page tells about an instance: it has a command line, and perhaps a crash report."""

    def compose(self) -> ComposeResult:
        """The frame and the footer."""
        with VerticalScroll(classes="page") as page:
            page.border_title = self.page_title()
            yield from self.compose_page()
        yield KeyFooter()

    def page_title(self) -> str:
        """What stands in the frame."""
        raise NotImplementedError

    def compose_page(self) -> list[Widget]:
        """What stands on the page."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show the keys and be ready to scroll. Textual calls it for subclasses, too, after theirs."""
        self.take_toasts_away()
        keys_of(self.app).rebind(self, *self.SCOPES)
        self.show_keys()
        self.take_focus()

    def show_keys(self) -> None:
        """The keys that work on this page."""
        actions = in_scopes([Scope.PAGE, Scope.APP])
        hints = hints_for((one for one in actions if self.is_offered(one.method)), keys_of(self.app))
        self.query_one(KeyFooter).show(hints)

    def take_focus(self) -> None:
        """Put the focus where the moves go."""
        self.query_one(VerticalScroll).focus()

    def is_offered(self, method: str) -> bool:
        """True when the action works on this page."""
        return self.is_of_instance or method not in {"copy_page", "page_crash"}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys without a use here do nothing."""
        return self.is_offered(action) and super().check_action(action, parameters) is not False

    @on(KeyFooter.Pressed)
    async def press(self, event: KeyFooter.Pressed) -> None:
        """A click in the footer does what the key does."""
        await obey_hint(self, event.action)

    def action_close_page(self) -> None:
        """Back to where it was opened."""
        self.dismiss(None)

    def action_copy_page(self) -> None:
        """Copy what the page offers; nothing on a plain page."""

    def action_page_crash(self) -> None:
        """The crash report of what the page tells about; nothing on a plain page."""

    def action_move(self, motion: str) -> None:
        """Scroll."""
        page = self.query_one(VerticalScroll)
        moves = {
            Motion.UP: page.scroll_up,
            Motion.DOWN: page.scroll_down,
            Motion.PAGE_UP: page.scroll_page_up,
            Motion.PAGE_DOWN: page.scroll_page_down,
            Motion.FIRST: page.scroll_home,
            Motion.LAST: page.scroll_end,
        }
        if motion in moves:
            moves[Motion(motion)](animate=False)
