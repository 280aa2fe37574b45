"""The command palette: every action by name, and the way to every instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from llama_orch_tui.action_kinds import Action, Group, Scope, key_name
from llama_orch_tui.actions import ACTIONS
from llama_orch_tui.keymap import keys_of
from llama_orch_tui.offers import PANES
from llama_orch_tui.screens.dashboard import DashboardScreen
from widgets.text import fit

KEY_CELLS = 9
"""Room for the longest name of a key."""


class Command(NamedTuple):
    """One line of the palette."""

    key: str
    text: str
    run: Callable[[], object]

    def with_key(self, text: Content | str) -> Content:
        """`text`, as it is shown for this one, behind the key."""
        return Content.assemble((fit(self.key, KEY_CELLS), "$text-accent"), "  ", text)


def text_of(action: Action) -> str:
    """What an action does, with its pane where several have one like it."""
    if action.group in {Group.LOG, Group.EVENTS}:
        return f"{action.group.value}: {action.help}"
    return action.help[0].upper() + action.help[1:]


class ConsoleCommands(Provider):
    """What the palette offers on the screen under it."""

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for command in self._offers():
            yield DiscoveryHit(command.with_key(command.text), command.run, command.text)

    async def search(self, query: str) -> Hits:
        """What resembles `query`."""
        matcher = self.matcher(query)
        for command in self._offers():
            score = matcher.match(command.text)
            if score > 0:
                yield Hit(score, command.with_key(matcher.highlight(command.text)), command.run, command.text)

    def _offers(self) -> Iterator[Command]:
        for action in ACTIONS:
            if (run := self._find_way(action)) is not None:
                yield Command(key_name(keys_of(self.app).keys(action)[0]), text_of(action), run)
        if isinstance(self.screen, DashboardScreen):
            for name in self.screen.names():
                yield Command("", f"Go to {name}", partial(self.screen.go_to, name))

    def _find_way(self, action: Action) -> Callable[[], object] | None:
        """How to do it from here: at once, or in the pane where it works; None where it cannot be done."""
        if self._is_offered(action):
            return partial(self.app.run_action, action.full_call)
        pane = PANES.get(action.scope)
        if pane is None or not isinstance(self.screen, DashboardScreen) or self.screen.is_welcoming:
            return None
        return partial(self.screen.run_in_pane, pane, action.full_call)

    def _is_offered(self, action: Action) -> bool:
        if action.group is Group.MOVE or action.id == "palette":
            return False
        if action.scope is Scope.APP:
            return True
        return self.screen.check_action(action.method, ()) is True and hasattr(self.screen, f"action_{action.method}")
