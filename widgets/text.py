"""The one gate for text from outside: cleaned, on one line, and cut or padded to terminal cells."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

ELLIPSIS = "…"

_UNSAFE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor moves
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: titles, clipboard writes
    r"|\x1b[@-Z\\-_]"
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]"
)
_LINE_BREAKS = re.compile(r"[\r\n\u2028\u2029]+")
_MISTAKE = re.compile(r"^(configuration: )?(?:[A-Za-z]:)?[/\\][^\n]*?([^/\\\n]+\.toml(?::\d+)?: )", re.MULTILINE)


def name_file(text: str) -> str:
    """`text` without the folders before the configuration file whose mistakes it tells: for where room is short."""
    return _MISTAKE.sub(r"\1\2", text)


def clean(text: str) -> str:
    """`text` on one line, without anything that a terminal would obey or that would turn the line around."""
    if text.isprintable():
        return text
    joined = _LINE_BREAKS.sub(" ", text.strip("\r\n"))
    return _UNSAFE.sub("", joined).expandtabs(8)


def clean_block(text: str) -> str:
    """`text` cleaned line by line, its line breaks kept."""
    return "\n".join(clean(line) for line in text.splitlines())


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` cells: padded on the right, or cut with an ellipsis."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + ELLIPSIS


def fit_right(text: str, width: int) -> str:
    """`text` in exactly `width` cells, aligned to the right; what is too long is cut as in `fit`."""
    missing = width - cell_len(text)
    return " " * missing + text if missing >= 0 else fit(text, width)
