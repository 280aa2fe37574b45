"""The help screen: every key, from the table of actions."""

from __future__ import annotations

from textual.containers import Horizontal
from textual.widget import Widget

from engine.description import DescribeSection
from llama_orch_tui.action_kinds import Group, key_name
from llama_orch_tui.actions import ACTIONS
from llama_orch_tui.dialog_keys import DIALOG_KEYS, DialogKind, help_rows
from llama_orch_tui.keymap import DEFAULT_KEYS, KeyMap, keys_of
from llama_orch_tui.screens.page import PageScreen
from widgets.fact_sheet import FactSheet

LEGEND = DescribeSection(
    "Signs",
    rows=(
        ("● ○ ▌", "ready; stopped; marked"),
        ("◔ ◑ ◕", "starting; loading; warming"),
        ("◒ ◌ ↻", "stopping; waits for another; for its next try"),
        ("▲ ✗", "unhealthy; failed"),
        ("› ↳ ┄", "in a log: came on stdout; goes on; a gap"),
    ),
)

LEFT_GROUPS = (Group.INSTANCES, Group.EDIT, Group.SELECT, Group.READ, Group.EVENTS)
LEFT_DIALOGS = (DialogKind.CHOICE, DialogKind.COLUMNS, DialogKind.THEME, DialogKind.EVENT)
RIGHT_DIALOGS = (DialogKind.MODELS, DialogKind.FORM, DialogKind.CHAT, DialogKind.TYPING)
RIGHT_GROUPS = (Group.LOG, Group.DESCRIBE, Group.MOVE, Group.PROGRAM)


def sections(groups: tuple[Group, ...], key_map: KeyMap = DEFAULT_KEYS) -> list[DescribeSection]:
    """One section for each group: keys on the left, what they do on the right."""
    return [
        DescribeSection(
            group.value,
            rows=tuple(
                (" ".join(key_name(key) for key in (*key_map.keys(one), *one.eager_keys)), one.help)
                for one in ACTIONS
                if one.group is group
            ),
        )
        for group in groups
    ]


def dialog_sections(kinds: tuple[DialogKind, ...]) -> list[DescribeSection]:
    """One section for each of these kinds of dialogs."""
    return [DescribeSection(kind.value, rows=help_rows(DIALOG_KEYS[kind])) for kind in kinds]


class HelpScreen(PageScreen):
    """All keys in groups; two columns where there is room."""

    DEFAULT_CSS = """
    HelpScreen Horizontal { height: auto; layout: vertical; }
    HelpScreen.-wide Horizontal { layout: horizontal; }
    HelpScreen.-wide #help-left { margin-right: 2; }
    HelpScreen.-narrow #help-right { margin-top: 1; }
    """

    def page_title(self) -> str:
        """The name of the page."""
        return "Keys"

    def compose_page(self) -> list[Widget]:
        """Left and right column."""
        key_map = keys_of(self.app)
        left = [*sections(LEFT_GROUPS, key_map), *dialog_sections(LEFT_DIALOGS)]
        right = [*sections(RIGHT_GROUPS, key_map), LEGEND, *dialog_sections(RIGHT_DIALOGS)]
        sheets = (("help-left", left), ("help-right", right))
        return [Horizontal(*(FactSheet(one, label_ink="ink--strong", id=name) for name, one in sheets))]
