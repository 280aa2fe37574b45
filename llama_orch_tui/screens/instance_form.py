"""The form for an instance: a line for each common key, checked while it is typed, beside what will be written."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Label, Static

from engine.editing import KeyFault, Proposal, TableCheck, Written
from engine.protocol import Engine
from llama_orch_tui.dialog_keys import DialogKind, bindings_of, frame_hints
from llama_orch_tui.editor_desk import EditorDesk
from llama_orch_tui.instance_fields import NAME, fields_for, read_texts, write_texts
from llama_orch_tui.screens.dialog import Dialog
from widgets.text import clean, clean_block

CHECK_DELAY_S = 0.08
"""Typing rests this long before it is checked."""


class InstanceForm(Dialog[Written | None]):
    """Returns what was written, or None. `was` names the instance that is changed; empty makes a new one."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(DialogKind.FORM)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - Textual's own type

    def __init__(self, engine: Engine, proposal: Proposal, was: str = "") -> None:
        super().__init__()
        self._desk = EditorDesk(self, engine)
        self._base = proposal.table
        self._was = was
        self._fields = fields_for(proposal.table)
        self._first_texts = write_texts(proposal.name, proposal.table, self._fields)
        self._proposed = dict(self._first_texts)
        """What was proposed for the model; lines that say something else are the operator's own."""
        self._asked = 0
        """Counts the checks: only the newest one's answer is shown."""
        self._timer: Timer | None = None
        self._is_to_write = False
        self._is_writing = False

    def compose(self) -> ComposeResult:
        """The lines with their faults, what will be written, and what there is to say."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(f"Edit {clean(self._was)}" if self._was else "New instance")
            dialog.border_subtitle = frame_hints(DialogKind.FORM)
            with Horizontal(id="form-body"):
                with VerticalScroll(id="form-fields", can_focus=False):
                    for one in self._fields:
                        with Horizontal(classes="form-row"):
                            yield Label(one.key, markup=False)
                            yield Input(
                                self._first_texts[one.key],
                                placeholder=one.hint,
                                id=f"field-{one.key}",
                                disabled=one is NAME and bool(self._was),
                            )
                        yield Static("", id=f"fault-{one.key}", classes="form-fault", markup=False)
                with VerticalScroll(id="form-preview", can_focus=False) as preview:
                    preview.border_title = "its table" if self._was else "added to config.toml"
                    yield Static("", markup=False)
            yield Static("", id="form-told", markup=False)

    def on_mount(self) -> None:
        """Ready to type; what was proposed is checked, too."""
        for line in self.query(Input):
            line.cursor_blink = False
        self.query_one("#field-port" if self._was else "#field-name", Input).focus()
        self._check()

    @on(Input.Changed)
    def check_soon(self) -> None:
        """Check once typing rests."""
        self._is_to_write = False
        self._check_no_more()
        self._timer = self.set_timer(CHECK_DELAY_S, self._check)

    @on(Input.Changed, "#field-model")
    def propose_soon(self, event: Input.Changed) -> None:
        """Another model of a new instance has other good values, once its path is whole."""
        model = event.value.strip()
        if not self._was and model and model != self._proposed["model"]:
            self._desk.ask(
                lambda editor: editor.propose_values(model),
                partial(self._take_values, model),
                lambda _: None,  # the check of the table says what is wrong
            )

    @on(Input.Submitted)
    def write_submitted(self, event: Input.Submitted) -> None:
        """Enter writes."""
        event.stop()
        self.action_write()

    def action_write(self) -> None:
        """Write it, when nothing is wrong with what stands there now."""
        if not self._is_writing:
            self._is_to_write = True
            self._check_no_more()  # a later check would wipe out why it could not be written
            self._check()

    def action_cancel(self) -> None:
        """Close; nothing is written."""
        self.dismiss(None)

    def _check_no_more(self) -> None:
        if self._timer is not None:
            self._timer.stop()

    def _check(self) -> None:
        self._asked += 1
        name, table, faults = self._read()
        self._desk.ask(
            lambda editor: editor.check(name, table, self._was),
            partial(self._take_check, self._asked, faults),
            self._refuse,
        )

    def _read(self) -> tuple[str, dict[str, object], tuple[KeyFault, ...]]:
        texts = {one.key: self.query_one(f"#field-{one.key}", Input).value for one in self._fields}
        table, faults = read_texts(texts, self._base, self._fields)
        return texts[NAME.key].strip(), table, faults

    def _take_check(self, asked: int, unread: tuple[KeyFault, ...], check: TableCheck) -> None:
        if asked != self._asked:
            return
        faults = {one.key: one for one in (*check.faults, *unread)}
        self._show(check, faults)
        if not self._is_to_write:
            return
        self._is_to_write = False
        if faults:
            wrong = next((one.key for one in self._fields if one.key in faults), "")
            if wrong:
                self.query_one(f"#field-{wrong}", Input).focus()
            return
        self._is_writing = True
        name, table, _ = self._read()
        self._desk.ask(
            lambda editor: editor.change(name, table) if self._was else editor.add(name, table),
            self._close,
            self._refuse,
        )

    def _take_values(self, model: str, values: Mapping[str, object]) -> None:
        """Write what is proposed into the lines that the operator has not touched."""
        if not values or model != self.query_one("#field-model", Input).value.strip():
            return
        texts = write_texts("", values, self._fields)
        for key in ("ctx_size", "args"):
            line = self.query_one(f"#field-{key}", Input)
            if line.value == self._proposed[key]:
                line.value = self._proposed[key] = texts[key]
        self._proposed["model"] = model

    def _close(self, written: Written) -> None:
        self.dismiss(written)  # not awaited: a screen cannot wait for its own end

    def _refuse(self, message: str) -> None:
        self._is_writing = self._is_to_write = False
        self._tell(message, is_wrong=True)

    def _show(self, check: TableCheck, faults: dict[str, KeyFault]) -> None:
        own = {one.key for one in self._fields}
        for key in own:
            fault = faults.get(key)
            told = self.query_one(f"#fault-{key}", Static)
            told.display = fault is not None
            told.update(Content(clean(str(fault))) if fault is not None else "")
            self.query_one(f"#field-{key}", Input).set_class(fault is not None, "-wrong")
        self.query_one("#form-preview > Static", Static).update(Content(clean_block(check.text)))
        others = [f"{key}: {fault}" if key else str(fault) for key, fault in faults.items() if key not in own]
        self._tell("\n".join(others or check.warnings), is_wrong=bool(others))

    def _tell(self, text: str, *, is_wrong: bool) -> None:
        told = self.query_one("#form-told", Static)
        told.display = bool(text)
        told.set_class(is_wrong, "-wrong")
        told.update(Content(clean_block(text)))
