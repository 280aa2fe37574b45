"""The one gate from log bytes to text that may be shown: valid UTF-8, and nothing that a terminal would obey."""

from __future__ import annotations

import re

DISPLAY_LIMIT_BYTES = 64 * 1024
"""The longest line shown; what is cut off is told in a mark at its end."""

_HOSTILE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_VISIBLE = {
    **{code: chr(0x2400 + code) for code in range(0x20) if code != ord("\t")},
    0x7F: "\u2421",
    **{code: f"<{code:02X}>" for code in range(0x80, 0xA0)},
    # They reorder text or break lines, and make a log lie about itself.
    **{code: f"<U+{code:04X}>" for code in (0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))},
}


def clean(raw: bytes) -> str:
    """One line (its newline taken off) as text: bad bytes become U+FFFD, control characters but tab become visible."""
    return make_visible(raw.decode("utf-8", "replace"))


def make_visible(text: str) -> str:
    """`text` on one line, with a sign for every character but tab that a terminal would obey."""
    return text.translate(_VISIBLE) if _HOSTILE.search(text) else text


def clean_line(raw: bytes, cut_bytes: int = 0) -> str:
    """A line without its line end as text; `cut_bytes` tells how many more bytes it has."""
    if cut_bytes:
        return f"{clean(raw)} … ({cut_bytes:,} more bytes)"
    return clean(raw.removesuffix(b"\n").removesuffix(b"\r"))
