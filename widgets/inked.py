"""What line-drawing widgets share: inks (text colours that work on any background) taken from the theme."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from widgets.looks import INK_CLASSES


class Inked(Widget):
    """A widget that draws its own lines with colours of the present theme."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(INK_CLASSES)
    """
    | class | for |
    | --- | --- |
    | `ink--good` | ready |
    | `ink--busy` | on its way |
    | `ink--warn` | wants attention |
    | `ink--bad` | failed |
    | `ink--quiet` | what may be overlooked |
    | `ink--strong` | headings |
    | `ink--key` | keys to press |
    """

    DEFAULT_CSS = """
    Inked > .ink--good { color: $text-success; }
    Inked > .ink--busy { color: $text-primary; }
    Inked > .ink--warn { color: $text-warning; }
    Inked > .ink--bad { color: $text-error; text-style: bold; }
    Inked > .ink--quiet { color: $foreground 68%; }
    Inked > .ink--strong { color: $foreground; text-style: bold; }
    Inked > .ink--key { color: $text-accent; text-style: bold; }
    """
    ALLOW_SELECT = False

    _inks: dict[str, Style]

    @property
    def line_width(self) -> int:
        """The cells of one line, without the scroll bar."""
        return self.scrollable_content_region.width

    def ink(self, name: str) -> Style:
        """Colour and weight of component class `name`, without its background."""
        inks = self._ink_cache()
        if name not in inks:
            full = self.get_component_rich_style(name)
            inks[name] = Style(color=full.color, bold=full.bold, italic=full.italic, underline=full.underline or None)
        return inks[name]

    def paper(self, name: str) -> Style:
        """Colour and background of component class `name`, over this widget's own."""
        return self.get_component_rich_style(name)

    def drawn(self, segments: list[Segment], base: Style | None = None) -> Strip:
        """A line of this widget's width from `segments`, on `base` or on the widget's own background."""
        ground = self.rich_style if base is None else base
        width = self.line_width
        return Strip(segments).crop(0, width).extend_cell_length(width).apply_style(ground).simplify()

    def notify_style_update(self) -> None:
        """Forget the inks when the theme changes."""
        self._ink_cache().clear()
        super().notify_style_update()

    def _ink_cache(self) -> dict[str, Style]:
        try:
            return self._inks
        except AttributeError:  # styles are set while the base class is still being made
            self._inks = {}
            return self._inks
