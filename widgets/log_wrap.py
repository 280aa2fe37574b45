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
    end, cells = start, 0
    while cells < width and end < len(text):
        piece = text[end : end + width - cells]  # most texts have one cell for a character, and none has more than two
        taken = cell_len(piece)
        if cells + taken > width:
            end = max(_cut_short(text, end, width - cells), start + 1)
            break
        end, cells = end + len(piece), cells + taken
    while end < len(text) and not get_character_cell_size(text[end]):
        end += 1  # an accent stays with its letter
    return end


def _cut_short(text: str, start: int, room: int) -> int:
    """How far a piece that is known to be too wide has room."""
    index = start
    while (room := room - get_character_cell_size(text[index])) >= 0:
        index += 1
    return index
