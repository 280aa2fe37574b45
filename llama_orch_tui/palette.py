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
            if self._is_offered(action):
                text = action.help[0].upper() + action.help[1:]
                key = key_name(keys_of(self.app).keys(action)[0])
                yield Command(key, text, partial(self.app.run_action, action.full_call))
        if isinstance(self.screen, DashboardScreen):
            for name in self.screen.names():
                yield Command("", f"Go to {name}", partial(self.screen.go_to, name))

    def _is_offered(self, action: Action) -> bool:
        if action.group is Group.MOVE or action.id == "palette":
            return False
        if action.scope is Scope.APP:
            return True
        return self.screen.check_action(action.method, ()) is True and hasattr(self.screen, f"action_{action.method}")
