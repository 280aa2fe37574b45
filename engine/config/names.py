"""Which names an instance may have: they become file names on every system."""

from __future__ import annotations

import re

NAME_RULE = 'letters, digits, ".", "_" and "-", beginning with a letter or digit, at most 63 characters'

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"com{digit}" for digit in "0123456789"), *(f"lpt{digit}" for digit in "0123456789")]
)


def find_name_fault(name: str) -> str:
    """Why `name` cannot name an instance, in words; empty when it can."""
    if not _NAME.fullmatch(name):
        return f"this name cannot be used; a name is {NAME_RULE}"
    # Windows ignores what follows the first dot: "nul.txt" is the device, too.
    if name.split(".", 1)[0].lower() in _WINDOWS_DEVICES:
        return "this name is a device on Windows, and no file there can bear it"
    return ""
