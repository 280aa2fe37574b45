"""What line-drawing widgets share: inks (text colours that work on any background) taken from the theme."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual._styles_cache import StylesCache
from textual.css.styles import StylesBase
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from widgets.looks import INKS


class BareLines(StylesCache):
    """Textual's cache of drawn lines; it looks at borders, padding and effects once a drawing, not once a line.

    Most widgets here have none of these, and what looking for them in every line costs is more than drawing it.
    """

    _is_bare = False

    def render_widget(self, widget: Widget, crop: Region) -> list[Strip]:
        """Every line within `crop`."""
        styles = widget.styles
        self._is_bare = (
            not styles.gutter
            and not any(edge for edge, _ in styles.outline)
            and widget.opacity == styles.text_opacity == 1.0
            and not styles.tint.a
            and not styles.has_rule("hatch")
        )
        return super().render_widget(widget, crop)

    def render_line(self, styles: StylesBase, y: int, size: Size, *more: Any, **named: Any) -> Strip:  # noqa: ANN401
        """One line; `more` is Textual's own business, but for the function that draws, and the background."""
        if not self._is_bare:
            return super().render_line(styles, y, size, *more, **named)
        _content_size, _padding, base_background, background, draw = more[:5]
        line: Strip = draw(y)
        return line.adjust_cell_length(size.width, Style(bgcolor=(base_background + background).rich_color))


class Inked(Widget):
    """A widget that draws its own lines with colours of the present theme."""

    ALLOW_SELECT = False

    def __init__(self, *children: Widget, **named: Any) -> None:  # noqa: ANN401 - Textual's own arguments
        super().__init__(*children, **named)
        self._styles_cache = BareLines()

    _inks: dict[str, Style]
    _room: tuple[Style, int] | None = None
    """The widget's own colours and the width of its lines, while many of them are composed."""

    @property
    def line_width(self) -> int:
        """The cells of one line, without the scroll bar."""
        return self._room[1] if self._room is not None else self.scrollable_content_region.width

    @property
    def ground(self) -> Style:
        """The widget's own colours."""
        return self._room[0] if self._room is not None else self.rich_style

    def render_lines(self, crop: Region) -> list[Strip]:
        """Every line within `crop`."""
        with self.many_lines():
            return super().render_lines(crop)

    @contextlib.contextmanager
    def many_lines(self) -> Iterator[None]:
        """Look up once what is the same for all lines that are composed meanwhile."""
        self._room = self.rich_style, self.scrollable_content_region.width
        try:
            yield
        finally:
            self._room = None

    def ink(self, name: str) -> Style:
        """Colour and weight of the ink `name`, as it is on this widget's own background, and without that."""
        inks = self._ink_cache()
        if name not in inks:
            words = self.app.stylesheet.parse_style(INKS[name])
            _, background = self.background_colors
            inks[name] = Style(color=(background + (words.foreground or background)).rich_color, bold=words.bold)
        return inks[name]

    def paper(self, name: str) -> Style:
        """Colour and background of component class `name`, over this widget's own."""
        return self.get_component_rich_style(name)

    def drawn(self, segments: Iterable[Segment], base: Style | None = None) -> Strip:
        """A line of this widget's width from `segments`, on `base` or on the widget's own background."""
        ground = self.ground if base is None else base
        return self.filled(blend(segments, ground), ground)

    def filled(self, segments: list[Segment], ground: Style) -> Strip:
        """A line of this widget's width from `segments` that have all their colours; `ground` fills what is left."""
        width, cells = self.line_width, sum(cell_len(text) for text, _, _ in segments)
        if cells > width:
            return Strip(segments, cells).crop(0, width)
        return Strip([*segments, Segment(" " * (width - cells), ground)] if cells < width else segments, width)

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


def blend(segments: Iterable[Segment], ground: Style) -> list[Segment]:
    """The same text on `ground`, neighbours of one colour together."""
    texts: list[str] = []
    styles: list[Style] = []
    for text, ink, _ in segments:
        style = ground if ink is None else ground + ink
        if styles and (styles[-1] is style or styles[-1] == style):
            texts[-1] += text
        else:
            texts.append(text)
            styles.append(style)
    return list(map(Segment, texts, styles))
