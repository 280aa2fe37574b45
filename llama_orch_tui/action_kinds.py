"""What an action of the console is: where it works, under which heading it stands, how its keys are written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Where an action works."""

    APP = "app"
    """Everywhere but in a question."""
    INSTANCE = "instance"
    """In the dashboard, and in describe on its instance."""
    DASHBOARD = "dashboard"
    """In every pane of the dashboard."""
    TABLE = "table"
    EVENTS = "events"
    LOG = "log"
    WELCOME = "welcome"
    MOVES = "moves"
    """In everything that has lines: panes and pages."""
    PAGE = "page"
    """In the pages to read: describe and help."""
    DESCRIBE = "describe"


class Group(StrEnum):
    """The headings of the help screen, in its order."""

    INSTANCES = "Instances"
    EDIT = "Configuration"
    SELECT = "Select"
    READ = "Read"
    EVENTS = "Events"
    DESCRIBE = "Describe"
    LOG = "Log"
    MOVE = "Move"
    PROGRAM = "Program"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that an operator can do."""

    id: str
    """Names it in the `[keys]` table of the configuration."""
    keys: tuple[str, ...]
    """Textual's names of keys; the first is shown."""
    label: str
    """One or two words, for the footer."""
    help: str
    """One phrase, for the help screen and the palette."""
    group: Group
    scope: Scope
    call: str
    """Textual's action string."""
    priority: int = 0
    """Place in the footer: larger stays longer; 0 is never there."""
    eager_keys: tuple[str, ...] = ()
    """Keys that work even while something is typed or asked."""

    @property
    def method(self) -> str:
        """The name that Textual asks `check_action` about."""
        return self.call.partition("(")[0]

    @property
    def full_call(self) -> str:
        """The call with the place where its method is, to run it from anywhere."""
        return f"{'app' if self.scope is Scope.APP else 'screen'}.{self.call}"


_KEY_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "shift+tab": "shift+tab",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "delete": "del",
    "plus": "+",
    "minus": "-",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "equals_sign": "=",
}


def key_name(key: str) -> str:
    """A key as it is written for people: ``?``, ``esc``, ``^p``."""
    return _KEY_NAMES.get(key, key.replace("ctrl+", "^"))
