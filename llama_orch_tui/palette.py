"""The command palette: every action by name, and the way to every instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from textual.command import DiscoveryHit, Hit, Hits, Provider

from llama_orch_tui.action_kinds import Action, Group, Scope, key_name
from llama_orch_tui.actions import ACTIONS
from llama_orch_tui.keymap import keys_of
from llama_orch_tui.screens.dashboard import DashboardScreen


class Command(NamedTuple):
    """One line of the palette."""

    text: str
    help: str
    run: Callable[[], object]


class ConsoleCommands(Provider):
    """What the palette offers on the screen under it."""

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for command in self._offers():
            yield DiscoveryHit(command.text, command.run, help=command.help)

    async def search(self, query: str) -> Hits:
        """What resembles `query`."""
        matcher = self.matcher(query)
        for command in self._offers():
            score = matcher.match(command.text)
            if score > 0:
                yield Hit(score, matcher.highlight(command.text), command.run, help=command.help)

    def _offers(self) -> Iterator[Command]:
        for action in ACTIONS:
            if self._is_offered(action):
                text = action.help[0].upper() + action.help[1:]
                key = key_name(keys_of(self.app).keys(action)[0])
                yield Command(text, f"key {key}", partial(self.app.run_action, action.full_call))
        if isinstance(self.screen, DashboardScreen):
            for name in self.screen.names():
                yield Command(f"Go to {name}", "put the cursor on it", partial(self.screen.go_to, name))

    def _is_offered(self, action: Action) -> bool:
        if action.group is Group.MOVE or action.id == "palette":
            return False
        if action.scope is Scope.APP:
            return True
        return self.screen.check_action(action.method, ()) is True and hasattr(self.screen, f"action_{action.method}")
