"""Every action of the console, once: bindings, footer, help and palette are made from this table."""

from __future__ import annotations

from collections.abc import Iterable

from engine.topics import Topic
from llama_orch_tui.action_kinds import Action, Group, Scope


def _move(name: str, keys: tuple[str, ...], text: str, scope: Scope = Scope.MOVES) -> Action:
    return Action(f"move_{name}", keys, text, text, Group.MOVE, scope, f"move('{name}')")


def _border(name: str, key: str, label: str, text: str, call: str) -> Action:
    return Action(name, (key,), label, text, Group.READ, Scope.DASHBOARD, f"move_border({call})")


def _tab(number: int, topic: Topic) -> Action:
    text = f"the tab {topic.value}"
    return Action(
        f"tab_{topic.value}", (str(number),), text, text, Group.DESCRIBE, Scope.DESCRIBE, f"open_tab('{topic.value}')"
    )


ACTIONS: tuple[Action, ...] = (
    Action("start", ("s",), "Start", "start the chosen instances", Group.INSTANCES, Scope.INSTANCE, "start", 90),
    Action("stop", ("x",), "Stop", "stop the chosen instances", Group.INSTANCES, Scope.INSTANCE, "stop", 89),
    Action(
        "restart", ("r",), "Restart", "restart the chosen instances", Group.INSTANCES, Scope.INSTANCE, "restart", 88
    ),
    Action(
        "restart_unhealthy",
        ("u",),
        "Restart unhealthy",
        "restart everything unhealthy or failed",
        Group.INSTANCES,
        Scope.DASHBOARD,
        "restart_unhealthy",
        45,
    ),
    Action(
        "profile",
        ("p",),
        "Profile",
        "choose a profile: start its instances, stop the rest",
        Group.INSTANCES,
        Scope.DASHBOARD,
        "profile",
        42,
    ),
    Action(
        "copy_command",
        ("y",),
        "Copy command",
        "copy the command line of the instance",
        Group.INSTANCES,
        Scope.DASHBOARD,
        "copy_command",
        20,
    ),
    Action("chat", ("c",), "Chat", "try it: chat with the instance", Group.INSTANCES, Scope.TABLE, "chat", 58),
    Action("new", ("n",), "New", "new instance: choose a model, fill in a form", Group.EDIT, Scope.TABLE, "new", 48),
    Action("clone", ("N",), "Clone", "clone the instance", Group.EDIT, Scope.TABLE, "clone", 8),
    Action("edit", ("i",), "Edit", "edit the instance in a form", Group.EDIT, Scope.TABLE, "edit", 47),
    Action(
        "edit_file", ("E",), "Editor", "edit config.toml in your editor", Group.EDIT, Scope.DASHBOARD, "edit_file", 9
    ),
    Action("remove", ("delete",), "Remove", "remove the instance from the file", Group.EDIT, Scope.TABLE, "remove", 7),
    Action(
        "undo_remove", ("ctrl+u",), "Undo", "put back what was removed", Group.EDIT, Scope.DASHBOARD, "undo_remove", 92
    ),
    Action(
        "mark",
        ("space",),
        "Mark",
        "mark, or unmark, for the next action",
        Group.SELECT,
        Scope.TABLE,
        "mark",
        60,
    ),
    Action(
        "mark_all", ("a",), "Mark all", "mark all that are shown, or none", Group.SELECT, Scope.TABLE, "mark_all", 30
    ),
    Action(
        "filter",
        ("slash",),
        "Filter",
        "filter by name, tag, state or model",
        Group.SELECT,
        Scope.TABLE,
        "filter",
        65,
    ),
    Action("sort", ("o",), "Sort", "sort: choose the column", Group.SELECT, Scope.TABLE, "sort", 40),
    Action("turn_order", ("O",), "Turn", "turn the order round", Group.SELECT, Scope.TABLE, "turn_order"),
    Action("group", ("T",), "By tag", "group by tag, and back", Group.SELECT, Scope.TABLE, "group", 13),
    Action("columns", ("C",), "Columns", "choose the columns", Group.SELECT, Scope.TABLE, "columns", 12),
    Action(
        "describe",
        ("enter", "d"),
        "Describe",
        "describe: all about the instance",
        Group.READ,
        Scope.TABLE,
        "describe",
        70,
    ),
    Action(
        "log_then", ("enter",), "Show log", "the log at an event's time", Group.EVENTS, Scope.EVENTS, "log_then", 71
    ),
    Action("show_event", ("d",), "Details", "show the event whole", Group.EVENTS, Scope.EVENTS, "show_event", 70),
    Action(
        "event_search", ("slash",), "Search", "search in the events", Group.EVENTS, Scope.EVENTS, "event_search", 69
    ),
    Action("event_next", ("n",), "Next", "next match", Group.EVENTS, Scope.EVENTS, "event_hit(1)", 68),
    Action("event_previous", ("N",), "Previous", "previous match", Group.EVENTS, Scope.EVENTS, "event_hit(-1)", 67),
    Action("event_filter", ("f",), "Filter", "only events with a text", Group.EVENTS, Scope.EVENTS, "event_filter", 66),
    Action(
        "event_instance",
        ("i",),
        "Instance",
        "only of the chosen instances, or all",
        Group.EVENTS,
        Scope.EVENTS,
        "event_instance",
        65,
    ),
    Action("event_level", ("L",), "Level", "all, warnings, errors", Group.EVENTS, Scope.EVENTS, "event_level", 64),
    Action("event_type", ("T",), "Type", "only events of one type", Group.EVENTS, Scope.EVENTS, "event_type", 63),
    Action("event_save", ("S",), "Save", "save as JSON lines", Group.EVENTS, Scope.EVENTS, "event_save", 62),
    Action(
        "crash_report",
        ("v",),
        "Crash report",
        "view the report of its last crash",
        Group.READ,
        Scope.TABLE,
        "crash_report",
        53,
    ),
    Action(
        "page_crash",
        ("v",),
        "Crash report",
        "on a page: the report of the last crash",
        Group.READ,
        Scope.PAGE,
        "page_crash",
        59,
    ),
    Action("focus_log", ("l",), "Log", "go to the log", Group.READ, Scope.DASHBOARD, "focus_pane('log')", 55),
    Action(
        "focus_events", ("e",), "Events", "go to the events", Group.READ, Scope.DASHBOARD, "focus_pane('events')", 54
    ),
    Action(
        "zoom",
        ("z",),
        "Zoom",
        "zoom: the pane alone, and back",
        Group.READ,
        Scope.DASHBOARD,
        "zoom",
        50,
    ),
    Action("next_pane", ("tab",), "Next pane", "to the next pane", Group.READ, Scope.DASHBOARD, "cycle_focus(1)", 25),
    Action(
        "previous_pane",
        ("shift+tab",),
        "Pane before",
        "to the pane before",
        Group.READ,
        Scope.DASHBOARD,
        "cycle_focus(-1)",
    ),
    _border("table_higher", "plus", "Higher", "more lines for the table", "'table', 1"),
    _border("table_lower", "minus", "Lower", "fewer lines for the table", "'table', -1"),
    _border("events_larger", "greater_than_sign", "Wider", "more room for the events", "'events', 1"),
    _border("events_smaller", "less_than_sign", "Narrower", "more room for the log", "'events', -1"),
    Action(
        "reset_sizes",
        ("equals_sign",),
        "Sizes",
        "panes in their own sizes again",
        Group.READ,
        Scope.DASHBOARD,
        "reset_sizes",
    ),
    Action("log_search", ("slash",), "Search", "search in the log", Group.LOG, Scope.LOG, "log_search", 69),
    Action("log_next", ("n",), "Next", "next match", Group.LOG, Scope.LOG, "log_hit(1)", 68),
    Action("log_previous", ("N",), "Previous", "previous match", Group.LOG, Scope.LOG, "log_hit(-1)", 67),
    Action("log_filter", ("f",), "Filter", "only lines with a text", Group.LOG, Scope.LOG, "log_filter", 66),
    Action("log_level", ("L",), "Level", "all, warnings, errors", Group.LOG, Scope.LOG, "log_level", 64),
    Action("log_time", ("T",), "Time", "go to a moment", Group.LOG, Scope.LOG, "log_time", 63),
    Action("log_hold", ("space",), "Pause", "pause, or follow the end", Group.LOG, Scope.LOG, "log_hold", 62),
    Action("log_wrap", ("w",), "Wrap", "wrap long lines, or not", Group.LOG, Scope.LOG, "log_wrap", 61),
    Action("log_pager", ("P",), "Pager", "read it all in $PAGER", Group.LOG, Scope.LOG, "log_pager", 42),
    Action("log_copy", ("c",), "Copy", "copy the selected or shown lines", Group.LOG, Scope.LOG, "log_copy", 60),
    Action(
        "log_merge",
        ("m",),
        "Merge logs",
        "merge the logs of all or the marked",
        Group.LOG,
        Scope.DASHBOARD,
        "log_merge",
        43,
    ),
    *(_tab(number, topic) for number, topic in enumerate(Topic, 1)),
    Action(
        "next_tab",
        ("right_square_bracket", "tab"),
        "Next tab",
        "to the next tab",
        Group.DESCRIBE,
        Scope.DESCRIBE,
        "step_tab(1)",
        59,
    ),
    Action(
        "previous_tab",
        ("left_square_bracket", "shift+tab"),
        "Tab before",
        "to the tab before",
        Group.DESCRIBE,
        Scope.DESCRIBE,
        "step_tab(-1)",
    ),
    Action(
        "open_event",
        ("enter", "d"),
        "Details",
        "show the event whole",
        Group.DESCRIBE,
        Scope.DESCRIBE,
        "open_event",
        71,
    ),
    Action(
        "event_log",
        ("l",),
        "Log",
        "the log; from an event, at its time",
        Group.DESCRIBE,
        Scope.DESCRIBE,
        "event_log",
        70,
    ),
    Action(
        "copy_page", ("y",), "Copy command", "on a page: copy the command line", Group.READ, Scope.PAGE, "copy_page", 60
    ),
    Action(
        "back",
        ("escape",),
        "Back",
        "back to the table; lift zoom, filter, marks",
        Group.MOVE,
        Scope.DASHBOARD,
        "back",
        35,
    ),
    Action("close_page", ("escape",), "Back", "close a page or a question", Group.MOVE, Scope.PAGE, "close_page", 90),
    _move("up", ("up", "k"), "up"),
    _move("down", ("down", "j"), "down"),
    _move("page_up", ("pageup",), "a page up"),
    _move("page_down", ("pagedown",), "a page down"),
    _move("first", ("home", "g"), "to the first line"),
    _move("last", ("end", "G"), "to the last line; a log follows again"),
    _move("left", ("left",), "the log to the left, or the tab before", Scope.LOG),
    _move("right", ("right",), "the log to the right, or the next tab", Scope.LOG),
    Action(
        "new_first", ("n",), "New", "on the welcome: the first instance", Group.EDIT, Scope.WELCOME, "new_first", 98
    ),
    Action(
        "edit_file_first",
        ("E",),
        "Editor",
        "on the welcome: your editor",
        Group.EDIT,
        Scope.WELCOME,
        "edit_file_first",
        30,
    ),
    Action(
        "undo_remove_first",
        ("ctrl+u",),
        "Undo",
        "welcome: put back the last",
        Group.EDIT,
        Scope.WELCOME,
        "undo_remove_first",
        97,
    ),
    Action("demo", ("D",), "Demo", "try it with three tiny models", Group.PROGRAM, Scope.WELCOME, "demo", 99),
    Action("theme", ("t",), "Theme", "choose a theme", Group.PROGRAM, Scope.APP, "theme", 10),
    Action("help", ("question_mark",), "Help", "every key", Group.PROGRAM, Scope.APP, "help", 96),
    Action(
        "palette",
        ("ctrl+p",),
        "Palette",
        "palette: every action by name",
        Group.PROGRAM,
        Scope.APP,
        "command_palette",
        15,
    ),
    Action(
        "suspend",
        ("ctrl+z",),
        "Suspend",
        "suspend to the shell; fg comes back",
        Group.PROGRAM,
        Scope.APP,
        "suspend_process",
    ),
    Action(
        "quit",
        ("q",),
        "Quit",
        "quit; the models may run on",
        Group.PROGRAM,
        Scope.APP,
        "ask_quit",
        97,
        eager_keys=("ctrl+c", "ctrl+q"),
    ),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}


def in_scopes(scopes: Iterable[Scope]) -> tuple[Action, ...]:
    """The actions that work in any of `scopes`, in the table's order."""
    wanted = frozenset(scopes)
    return tuple(action for action in ACTIONS if action.scope in wanted)
