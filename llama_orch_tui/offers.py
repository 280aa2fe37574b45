"""Which actions work, and which are worth a place in the footer, in given circumstances."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.snapshots import InstanceSnapshot, State, Status
from llama_orch_tui.action_kinds import Action, Scope
from llama_orch_tui.actions import ACTIONS
from widgets.pane_deck import Pane

RESTS = frozenset({Status.STOPPED, Status.FAILED, Status.BACKOFF})
"""What `start` changes."""
UNHEALTHY = frozenset({State.UNHEALTHY, State.FAILED})
"""What `restart_unhealthy` restarts."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the dashboard is like when a key is pressed."""

    pane: Pane
    is_welcoming: bool = False
    """True while there is no instance to show."""
    is_demo: bool = False
    chosen: tuple[InstanceSnapshot, ...] = ()
    instances: tuple[InstanceSnapshot, ...] = ()
    has_profiles: bool = False
    has_events: bool = False
    has_removed: bool = False
    """True while a removed instance can be put back."""
    is_searching: bool = False
    """True while something is searched in the events, where they have the focus, else in the log."""
    can_go_back: bool = False
    """True while there is a zoom, a filter or a mark to lift, or another pane has the focus."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the describe screen is like when a key is pressed."""

    seen: InstanceSnapshot | None
    has_events: bool = False
    is_searching: bool = False


def is_offered_here(action_id: str, now: Facts) -> bool:
    """True when the action would change something on the describe screen."""
    uses = {
        "start": now.seen is not None and now.seen.status in RESTS,
        "stop": now.seen is not None and now.seen.status is not Status.STOPPED,
        "restart": now.seen is not None,
        "page_crash": now.seen is not None and bool(now.seen.last_error or now.seen.restarts),
        "open_event": now.has_events,
        "log_next": now.is_searching,
        "log_previous": now.is_searching,
    }
    return uses.get(action_id, True)


_SCOPE_OF = {action.method: action.scope for action in reversed(ACTIONS)}
"""Where methods work; of several actions with one method the first in the table says it."""
_PANE_SCOPES = {Pane.TABLE: Scope.TABLE, Pane.EVENTS: Scope.EVENTS, Pane.LOG: Scope.LOG}
PANES = {scope: pane for pane, scope in _PANE_SCOPES.items()}
"""Where the actions of a scope work."""


def is_working(method: str, circumstances: Circumstances) -> bool:
    """False for a key that belongs to another pane; methods that are no action of ours always work."""
    scope = _SCOPE_OF.get(method)
    if scope is None or scope is Scope.APP:
        return True
    if circumstances.is_welcoming:
        return scope is Scope.WELCOME and not circumstances.is_demo
    if scope is Scope.WELCOME:
        return False
    return scope in {Scope.INSTANCE, Scope.DASHBOARD, Scope.MOVES} or scope is _PANE_SCOPES[circumstances.pane]


def offered(actions: Iterable[Action], circumstances: Circumstances) -> list[Action]:
    """The actions that would change something now."""
    uses = _find_uses(circumstances)
    return [one for one in actions if uses.get(one.id, True) and is_working(one.method, circumstances)]


def _find_uses(now: Circumstances) -> Mapping[str, bool]:
    """By action: whether it would change something; what is not named always would."""
    return {
        "start": any(one.status in RESTS for one in now.chosen),
        "stop": any(one.status is not Status.STOPPED for one in now.chosen),
        "restart": bool(now.chosen),
        "restart_unhealthy": any(one.state in UNHEALTHY for one in now.instances),
        "profile": now.has_profiles,
        "copy_command": bool(now.chosen),
        "chat": any(one.pid is not None and one.port is not None for one in now.chosen),
        "mark": bool(now.chosen),
        "mark_all": len(now.instances) > 1,
        "sort": len(now.instances) > 1,
        "turn_order": len(now.instances) > 1,
        "group": any(one.tags for one in now.instances),
        "describe": bool(now.chosen),
        "clone": bool(now.chosen),
        "edit": bool(now.chosen),
        "remove": bool(now.chosen),
        "undo_remove": now.has_removed,
        "undo_remove_first": now.has_removed,
        "show_event": now.has_events,
        "log_then": now.has_events,
        "event_next": now.is_searching,
        "event_previous": now.is_searching,
        "event_save": now.has_events,
        "log_next": now.is_searching,
        "log_previous": now.is_searching,
        "log_merge": len(now.instances) > 1,
        "focus_log": now.pane is not Pane.LOG,
        "focus_events": now.pane is not Pane.EVENTS,
        "back": now.can_go_back,
        "crash_report": any(one.last_error or one.restarts for one in now.chosen),
        "copy_page": False,
        "page_crash": False,
        "close_page": False,
    }
