"""An instance's table while it is made out of an old configuration: every key is taken, or named with the reason."""

from __future__ import annotations

import copy
from collections.abc import Iterator


class Draft:
    """Takes keys from the old configuration and sets keys of the new table. Keys are dotted: ``model.path``."""

    def __init__(self, raw: dict[str, object]) -> None:
        self._left = copy.deepcopy(raw)
        self.table: dict[str, object] = {}
        self.remarks: list[str] = []

    def take(self, key: str) -> object:
        """The old key's value, which is thereby dealt with; None when it is not there."""
        *above, last = key.split(".")
        table: object = self._left
        for name in above:
            table = table.get(name) if isinstance(table, dict) else None
        return table.pop(last, None) if isinstance(table, dict) else None

    def set(self, key: str, value: object) -> None:
        """Set a key of the new table."""
        *above, last = key.split(".")
        table = self.table
        for name in above:
            below = table.setdefault(name, {})
            if not isinstance(below, dict):
                raise TypeError(key)
            table = below
        table[last] = value

    def move(self, old: str, new: str, default: object = None) -> None:
        """Hand a value over as it is; `default` is what the old program took when the key was missing."""
        value = self.take(old)
        if value is None:
            value = default
        if value is not None:
            self.set(new, value)

    def remark(self, key: str, message: str) -> None:
        """Name something that is not as it was."""
        self.remarks.append(f"{key}: {message}")

    def leave_out(self, reason: str, *keys: str) -> None:
        """Name the keys that are there and have no counterpart."""
        present = [key for key in keys if self.take(key) is not None]
        if present:
            self.remarks.append(f"left out: {', '.join(present)}: {reason}")

    def name_the_rest(self) -> None:
        """Name every key that nobody has taken."""
        if rest := list(_dotted(self._left)):
            self.remarks.append(f"left out: {', '.join(rest)}: unknown to llama-orchestrator and to this program")


def _dotted(table: dict[str, object], prefix: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _dotted(value, f"{prefix}{key}.")
        elif value is not None and value != {}:
            yield prefix + key
