"""Choosing what a new instance serves: the models on this machine as they are found, or what is typed."""

from __future__ import annotations

import re
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from engine.editing import FoundModel, SearchState
from engine.plural import format_count
from engine.protocol import Engine
from llama_orch_tui.dialog_keys import DialogKind, bindings_of, frame_hints
from llama_orch_tui.editor_desk import EditorDesk
from llama_orch_tui.screens.dialog import Dialog
from widgets.text import clean, fit, fit_right
from widgets.units import format_bytes

POLL_S = 0.1
TYPED = "Use what is typed"
_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(:[\w.-]+)?")


class ModelPicker(Dialog[FoundModel | None]):
    """Returns the chosen model, or None; one that was typed has no source."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(DialogKind.MODELS)]

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._search = engine.search_models()
        self._shown: SearchState | None = None
        self._listed: list[FoundModel] = []
        self._desk = EditorDesk(self, engine)
        self._folder = ""
        """The folder that is typed, whose models are listed, too."""
        self._inside: tuple[FoundModel, ...] = ()
        """What lies in it."""

    def compose(self) -> ComposeResult:
        """The line to type in, the models, and what there is to say about the one under the cursor."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "New instance: choose the model"
            dialog.border_subtitle = frame_hints(DialogKind.MODELS)
            yield Input(placeholder="type to filter, or a path, or owner/repo:quant", select_on_focus=False)
            yield OptionList(markup=False)
            yield Static("", id="picker-about", markup=False)
            yield Static("", id="picker-status", classes="quiet", markup=False)

    def on_mount(self) -> None:
        """Ready to type; what is found is looked at ten times a second."""
        line = self.query_one(Input)
        line.cursor_blink = False
        self.query_one(OptionList).can_focus = False
        line.focus()
        self.set_interval(POLL_S, self.poll)
        self.poll()

    def on_unmount(self) -> None:
        """Look no further."""
        self._search.close()

    def on_resize(self, _event: events.Resize) -> None:
        """Columns for the new width."""
        self._relist()

    def poll(self) -> None:
        """List what is new."""
        state = self._search.state()
        if state is not self._shown:
            before, self._shown = self._shown, state
            if before is None or before.models is not state.models or before.is_done is not state.is_done:
                self._relist()
            self._say_status(state)

    @on(Input.Changed)
    def refilter(self) -> None:
        """List what fits what is typed, and what lies in the folder that is."""
        folder = folder_of(self.query_one(Input).value.strip())
        if folder != self._folder:
            self._folder, self._inside = folder, ()
            if folder:
                self._desk.ask(
                    lambda editor: editor.list_models(folder), partial(self._take_inside, folder), lambda _: None
                )
        self._relist()

    @on(Input.Submitted)
    def choose(self, event: Input.Submitted) -> None:
        """Enter takes the one under the cursor."""
        event.stop()
        self.action_choose()

    def action_choose(self) -> None:
        """Take the one under the cursor; without any, say what could be typed."""
        if not self._listed:
            self.notify("Nothing to choose: type the path of a .gguf file, or owner/repo:quant.", severity="warning")
        self._choose(self.query_one(OptionList).highlighted)

    @on(OptionList.OptionSelected)
    def choose_pressed(self, event: OptionList.OptionSelected) -> None:
        """A click takes it."""
        self._choose(event.option_index)

    @on(OptionList.OptionHighlighted)
    def tell_about(self) -> None:
        """The path of the one under the cursor, and what is wrong with it."""
        self._say_about()

    def action_back(self) -> None:
        """Take the filter away; without one, close."""
        line = self.query_one(Input)
        if line.value:
            line.value = ""
        else:
            self.dismiss(None)

    def action_page(self, step: int) -> None:
        """A page down or up in the list."""
        options = self.query_one(OptionList)
        if step > 0:
            options.action_page_down()  # type: ignore[no-untyped-call]
        else:
            options.action_page_up()  # type: ignore[no-untyped-call]

    def _choose(self, index: int | None) -> None:
        if index is None or not 0 <= index < len(self._listed):
            return
        chosen = self._listed[index]
        if chosen.trouble:
            self.notify(f"{chosen.path}: {chosen.trouble}", severity="warning")
            return
        self.dismiss(chosen)

    def _relist(self) -> None:
        options = self.query_one(OptionList)
        kept = self._under_cursor(options)
        typed = self.query_one(Input).value.strip()
        found = self._shown.models if self._shown is not None else ()
        words = typed.lower().split()
        fitting = [one for one in found if all(word in _all_of(one) for word in words)]
        fitting.sort(key=lambda one: bool(one.trouble))
        begun = typed[len(self._folder) :].lower()
        inside = [one for one in self._inside if re.split(r"[/\\]", one.path)[-1].lower().startswith(begun)]
        fitting = [one for one in fitting if one.path not in {other.path for other in inside}]
        own = [as_typed(typed)] if is_source(typed) else []
        # A folder is no model: what lies in it comes first.
        self._listed = [*own, *fitting] if not inside else [*inside, *fitting, *own]
        width = max(20, self.size.width * 9 // 10 - 8)
        options.clear_options()
        options.add_options([Option(model_line(one, width)) for one in self._listed])
        if self._listed:
            at = next(
                (index for index, one in enumerate(self._listed) if kept is not None and one.path == kept.path), 0
            )
            options.highlighted = at
        self._say_about()
        if self._shown is not None:
            self._say_status(self._shown)

    def _take_inside(self, folder: str, models: tuple[FoundModel, ...]) -> None:
        if folder == self._folder:
            self._inside = models
            self._relist()

    def _under_cursor(self, options: OptionList) -> FoundModel | None:
        at = options.highlighted
        return self._listed[at] if at is not None and at < len(self._listed) else None

    def _say_about(self) -> None:
        about = self.query_one("#picker-about", Static)
        one = self._under_cursor(self.query_one(OptionList))
        about.set_class(one is not None and bool(one.trouble), "-wrong")
        about.update("" if one is None else Content(clean(one.trouble or one.path)))

    def _say_status(self, state: SearchState) -> None:
        # With an empty list between them, what was found nowhere would be said far from where the eye is.
        is_empty = state.is_done and not state.models and not self._listed
        self.query_one(".dialog").set_class(is_empty, "-nothing")
        told = status_text(state, len(self._listed))
        if self._inside:
            told = f"{format_count(len(self._inside), 'model')} in {clean(self._folder)}"
        self.query_one("#picker-status", Static).update(Content(told))


def status_text(state: SearchState, listed: int) -> str:
    """How far the search is, and what it could not look into."""
    if not state.is_done:
        told = f"{format_count(len(state.models), 'model')} so far; looking in {clean(state.looking_in) or '…'}"
    elif not state.models:
        told = "No model was found. Type a path or owner/repo:quant; [models] folders names more places to look in."
    else:
        told = f"{listed} of {format_count(len(state.models), 'model')}"
    return "\n".join([told, *(clean(one) for one in state.troubles[-2:])])


def model_line(one: FoundModel, width: int) -> Content:
    """One model in a line of so many cells: the title has what its facts leave."""
    if not one.source:
        return Content.assemble((f"{TYPED}: ", "$text-accent"), fit(clean(one.title), width - len(TYPED) - 2).rstrip())
    facts = [(fit_right(format_bytes(one.size_bytes), 6)), fit(clean(one.quantisation), 8)]
    if width >= 64:
        facts += [fit_right(clean(one.size_label), 6), fit(clean(one.source), 12)]
    told = "  ".join(facts)
    title = fit(f"{'✗ ' if one.trouble else '  '}{clean(one.title)}", max(10, width - len(told) - 2))
    return Content.assemble((title, "$text-warning" if one.trouble else ""), "  ", (told, "$foreground 68%"))


def is_source(text: str) -> bool:
    """True for a text that names a file or a model of Hugging Face."""
    return text.lower().endswith(".gguf") or text.startswith(("/", "~/", "./", "\\\\")) or is_hub_model(text)


def folder_of(text: str) -> str:
    """The folder of a path that is being typed, with its last separator; empty for anything else."""
    if not text.startswith(("/", "~/", "./", "../", "$", "\\\\")) and not re.match(r"[A-Za-z]:[/\\]", text):
        return ""
    return text[: max(text.rfind("/"), text.rfind("\\")) + 1]


def is_hub_model(text: str) -> bool:
    """True for ``owner/repo`` and ``owner/repo:quant``."""
    return _HUB.fullmatch(text) is not None and not text.lower().endswith(".gguf")


def as_typed(text: str) -> FoundModel:
    """What was typed as a model without a source."""
    title = text.rpartition("/")[2] if is_hub_model(text) else re.split(r"[/\\]", text)[-1]
    return FoundModel(text, "", re.sub(r"(?i)\.gguf$", "", title).replace(":", "-") or text)


def _all_of(one: FoundModel) -> str:
    return f"{one.title} {one.source} {one.quantisation} {one.size_label} {one.path}".lower()
