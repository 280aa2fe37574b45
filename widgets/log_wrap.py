"""Where a long line is broken: at a blank near the right edge where there is one, never inside a character."""

from __future__ import annotations

from rich.cells import cell_len, get_character_cell_size

LOOK_BACK = 4
"""A row may stay empty by one of so many parts of its width, so that a word is kept whole."""


def break_line(text: str, width: int) -> list[int]:
    """Where each row begins, as indexes into `text`; a row takes at most `width` cells. The first is always 0."""
    if width <= 0 or len(text) <= width // 2:
        return [0]
    is_narrow = text.isascii()
    if (len(text) if is_narrow else cell_len(text)) <= width:
        return [0]
    starts, at = [0], 0
    while True:
        end = at + width if is_narrow else _reach(text, at, width)
        if end >= len(text):
            return starts
        blank = text.rfind(" ", end - max(1, (end - at) // LOOK_BACK), end)
        at = blank + 1 if blank > at else end
        starts.append(at)


def _reach(text: str, start: int, width: int) -> int:
    """The first index that has no room any more in a row that begins at `start`; at least one character has."""
    cells = 0
    for index in range(start, len(text)):
        cells += get_character_cell_size(text[index])
        if cells > width:
            return max(index, start + 1)
    return len(text)
