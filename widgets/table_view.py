"""What the operator wants to see of the instances, and the lines that follow from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.snapshots import InstanceSnapshot, State
from widgets.table_columns import ALWAYS, FILE_ORDER, Column, Order
from widgets.table_order import ordered

UNTAGGED = "no tag"
FILE = "file"


@dataclass(frozen=True, slots=True)
class TableView:
    """Order, columns, groups and filter."""

    order: Order = FILE_ORDER
    hidden: frozenset[Column] = frozenset()
    is_grouped: bool = False
    """By the first tag of each instance."""
    filter_text: str = ""

    def toggled(self, column: Column) -> TableView:
        """With `column` hidden when it was shown, and shown when it was hidden."""
        return self if column in ALWAYS else replace(self, hidden=self.hidden ^ {column})

    def to_choices(self) -> dict[str, str | bool]:
        """Plain values to remember it by; a filter is for the moment and not among them."""
        return {
            "order": self.order.column.value if self.order.column is not None else FILE,
            "is_descending": self.order.is_descending,
            "hidden": ",".join(sorted(one.value for one in self.hidden)),
            "is_grouped": self.is_grouped,
        }


def view_from_choices(choices: object) -> TableView:
    """The view of such values; whatever makes no sense in them is left at its default."""
    if not isinstance(choices, Mapping):
        return TableView()
    column = _find_column(choices.get("order"))
    hidden = choices.get("hidden")
    names = hidden.split(",") if isinstance(hidden, str) else []
    found = {_find_column(name) for name in names} - {None}
    return TableView(
        order=Order(column, column is not None and choices.get("is_descending") is True),
        hidden=frozenset(one for one in found if one is not None and one not in ALWAYS),
        is_grouped=choices.get("is_grouped") is True,
    )


def _find_column(name: object) -> Column | None:
    known = name.casefold() if isinstance(name, str) else ""
    return next((one for one in Column if one.value.casefold() == known), None)  # versions up to 0.9 stored "pid"


@dataclass(frozen=True, slots=True)
class Heading:
    """The line above the instances of one tag."""

    tag: str
    count: int
    ready: int


Line = InstanceSnapshot | Heading


def build_lines(instances: Sequence[InstanceSnapshot], view: TableView) -> tuple[Line, ...]:
    """The lines of the table: groups in the order of their names, what has no tag last."""
    rows = ordered(instances, view.order, view.filter_text)
    if not view.is_grouped:
        return rows
    groups: dict[str, list[InstanceSnapshot]] = {}
    for one in rows:
        groups.setdefault(one.tags[0] if one.tags else "", []).append(one)
    lines: list[Line] = []
    for tag in sorted(groups, key=lambda one: (not one, one.casefold())):
        members = groups[tag]
        ready = sum(one.state is State.READY for one in members)
        lines += [Heading(tag or UNTAGGED, len(members), ready), *members]
    return tuple(lines)
