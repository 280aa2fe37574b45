"""A question with a few answers, each with a key of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from llama_orch_tui.dialog_keys import DialogKind, bindings_of, frame_hints
from llama_orch_tui.screens.dialog import Dialog

KEY_CELLS = 3
"""A key and a space on either side."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer."""

    id: str
    key: str
    """The letter that gives this answer at once."""
    label: str
    detail: str = ""


class ChoiceScreen(Dialog[str | None]):
    """Returns the id of the chosen answer, or None when the operator backs out.

    Enter gives the answer with the id `default`; the first one when that is none of them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(DialogKind.CHOICE)]

    def __init__(self, title: str, text: str, choices: Sequence[Choice], default: str | None = None) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._choices = tuple(choices)
        self._default = default

    def compose(self) -> ComposeResult:
        """The question, then the answers."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = frame_hints(DialogKind.CHOICE)
            yield Static(self._text, markup=False)
            yield OptionList(*(Option(_Answer(one), id=one.id) for one in self._choices), markup=False)

    def on_mount(self) -> None:
        """The default answer is under the cursor."""
        answers = self.query_one(OptionList)
        answers.highlighted = next((at for at, one in enumerate(self._choices) if one.id == self._default), 0)
        answers.focus()

    def on_key(self, event: events.Key) -> None:
        """An answer's own letter gives it."""
        chosen = next((one for one in self._choices if one.key == event.character), None)
        if chosen is not None:
            event.stop()
            self.dismiss(chosen.id)

    @on(OptionList.OptionSelected)
    def answer(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click gives the answer."""
        self.dismiss(event.option.id)

    def action_cancel(self) -> None:
        """Back out."""
        self.dismiss(None)


class _Answer(Visual):
    """A key and what it gives, wrapped beside the key and not under it."""

    def __init__(self, choice: Choice) -> None:
        self._key = Content.styled(f" {choice.key} ", "bold $text-accent")
        detail = (f"\n{choice.detail}", "$foreground 65%") if choice.detail else ""
        self._words = Content.assemble(choice.label, detail)

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """The lines at a width."""
        words = self._words.render_strips(max(1, width - KEY_CELLS), height, style, options)
        first = self._key.render_strips(KEY_CELLS, 1, style, options)
        margins = chain(first, repeat(Strip([])))
        return [
            Strip.join((margin.extend_cell_length(KEY_CELLS, style.rich_style), line))
            for margin, line in zip(margins, words, strict=False)
        ]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """So wide that nothing wraps."""
        return KEY_CELLS + self._words.get_optimal_width(rules, container_width)

    def get_height(self, rules: RulesMap, width: int) -> int:
        """So many lines at a width."""
        return self._words.get_height(rules, max(1, width - KEY_CELLS))
