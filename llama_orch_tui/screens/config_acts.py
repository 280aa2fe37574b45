"""What the operator does to the configuration file: new, clone, edit, remove and its undoing, and his own editor.

The dashboard is built on this.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from engine.errors import EngineError, ExitCode
from engine.protocol import Engine
from engine.snapshots import Act, Desired, InstanceSnapshot, Outcome, Snapshot, Target
from llama_orch_tui.action_kinds import key_name
from llama_orch_tui.actions import BY_ID
from llama_orch_tui.editor_desk import EditorDesk
from llama_orch_tui.keymap import keys_of
from llama_orch_tui.remembered import Remembered
from llama_orch_tui.screens.table_acts import TableActs
from widgets.welcome import EXAMPLE

if TYPE_CHECKING:
    from concurrent.futures import Future

    from engine.editing import Editor, FilePlace, FoundModel, Proposal, Removed, Written

MOST_PROBLEMS = 4
"""More problems than these are counted, not listed."""


class ConfigActs(TableActs):
    """A table whose instances can be made, changed and removed."""

    snapshot: Snapshot

    def __init__(self, engine: Engine, clock: Callable[[], float], remembered: Remembered) -> None:
        super().__init__(engine, clock, remembered)
        self._editing = EditorDesk(self, engine)
        self._removed: list[Removed] = []
        """What can be put back, the newest last."""
        self._expected = ""
        """The instance that was written and is not in the table yet."""

    def go_to(self, name: str) -> None:
        """Put the cursor on an instance; the dashboard knows how."""

    @property
    def has_removed(self) -> bool:
        """True while there is something to put back."""
        return bool(self._removed)

    def follow_written(self) -> None:
        """Put the cursor on what was written, once the engine has taken it up."""
        if self._expected and self.snapshot.find(self._expected) is not None:
            name, self._expected = self._expected, ""
            if self.app.screen is self:
                self.go_to(name)

    # -- new, clone, edit

    def action_new(self) -> None:
        """Choose a model, then fill in the form."""
        from llama_orch_tui.screens.model_picker import ModelPicker  # noqa: PLC0415 - not for the first paint

        self.app.push_screen(ModelPicker(self._engine), self._propose)

    def action_new_first(self) -> None:
        """The same, on the welcome."""
        self.action_new()

    def _propose(self, model: FoundModel | None) -> None:
        if model is not None:
            self._editing.ask(lambda editor: _propose(editor, model), self._open_form)

    def action_clone(self) -> None:
        """A form filled with the instance under the cursor, with a name and a port of its own."""
        name = self.table.cursor_name
        if name is not None:
            self._editing.ask(lambda editor: editor.propose_clone(name), self._open_form)

    def action_edit(self) -> None:
        """A form with what the file says of the instance under the cursor."""
        name = self.table.cursor_name
        if name is not None:
            self._editing.ask(lambda editor: editor.read(name), partial(self._open_form, was=name))

    def _open_form(self, proposal: Proposal, was: str = "") -> None:
        from llama_orch_tui.screens.instance_form import InstanceForm  # noqa: PLC0415 - not for the first paint

        self.app.push_screen(InstanceForm(self._engine, proposal, was), partial(self._tell_written, was=was))

    def _tell_written(self, written: Written | None, was: str = "") -> None:
        if written is None:
            return
        self._expected = written.name
        self.follow_written()
        one = self.snapshot.find(was)
        if not was:
            told = f"{written.name}: added to {written.path}; {self._key('start')} starts it."
        elif one is not None and one.pid is not None:
            told = f"{written.name}: changed. It runs as it was until {self._key('restart')} restarts it."
        else:
            told = f"{written.name}: changed."
        self.notify("\n".join([told, *written.warnings]))

    # -- remove and undo

    def action_remove(self) -> None:
        """Take the instance under the cursor out of the file, when the operator says so again."""
        one = self.table.cursor()
        if one is not None:
            self._editing.ask(lambda editor: editor.find_users(one.name), partial(self._ask_removal, one))

    def _ask_removal(self, one: InstanceSnapshot, users: tuple[str, ...]) -> None:
        if users:
            self._editing.say_refused(f"{one.name}: {' and '.join(users)} would miss it; take it out there first.")
            return
        from llama_orch_tui.screens.questions import removal_question  # noqa: PLC0415 - not for the first paint

        self.app.push_screen(removal_question(one), partial(self._remove, one))

    def _remove(self, one: InstanceSnapshot, answer: str | None) -> None:
        if not answer:
            return
        now = self.snapshot.find(one.name) or one
        if now.pid is None and now.desired is Desired.STOPPED:
            self._editing.ask(lambda editor: editor.remove(one.name), self._tell_removed)
            return
        future = self._engine.submit(Act.STOP, Target((one.name,)))

        def go_on(done: Future[Outcome]) -> None:
            self.call_later(self._remove_stopped, one.name, done.result())

        future.add_done_callback(go_on)

    def _remove_stopped(self, name: str, outcome: Outcome) -> None:
        if outcome.exit_code not in {ExitCode.OK, ExitCode.NOT_RUNNING}:
            self._editing.say_refused(f"{name}: not removed: {outcome.message or 'it does not stop'}")
            return
        self._editing.ask(lambda editor: editor.remove(name), self._tell_removed)

    def _tell_removed(self, removed: Removed) -> None:
        self._removed.append(removed)
        self.show_keys()
        told = f"{removed.name}: removed from {removed.path}; its logs and events stay."
        self.notify(f"{told} {self._key('undo_remove')} puts it back.")

    def action_undo_remove(self) -> None:
        """Put what was removed last back where it was."""
        if not self._removed:
            self.notify("Nothing was removed that could be put back.", severity="warning")
            return
        removed = self._removed.pop()
        self.app.clear_notifications()  # that it was removed holds no longer
        self.show_keys()
        self._editing.ask(
            lambda editor: editor.restore(removed), self._tell_restored, partial(self._keep_removed, removed)
        )

    def action_undo_remove_first(self) -> None:
        """The same, on the welcome: the last instance may have been removed."""
        self.action_undo_remove()

    def _tell_restored(self, written: Written) -> None:
        self._expected = written.name
        self.follow_written()
        self.notify(f"{written.name}: is in {written.path} again, as it was.")

    def _keep_removed(self, removed: Removed, message: str) -> None:
        self._removed.append(removed)
        self.show_keys()
        self._editing.say_refused(message)

    # -- the operator's own editor

    def action_edit_file(self) -> None:
        """Open the file in the operator's editor, at the instance under the cursor."""
        name = self.table.cursor_name or ""
        self._editing.ask(lambda editor: editor.locate(name), self._open_editor)

    def action_edit_file_first(self) -> None:
        """The same, on the welcome."""
        self.action_edit_file()

    def _open_editor(self, place: FilePlace) -> None:
        if place.exists:
            self._run_editor(place)
            return
        from llama_orch_tui.screens.questions import file_question  # noqa: PLC0415 - not for the first paint

        def make(answer: str | None) -> None:
            if answer:
                self._editing.ask(lambda editor: editor.create(EXAMPLE), self._run_editor)

        self.app.push_screen(file_question(place.path), make)

    def _run_editor(self, place: FilePlace) -> None:
        from llama_orch_tui.text_editor import build_editor_argv, find_editor, run_editor  # noqa: PLC0415 - likewise

        try:
            argv = build_editor_argv(find_editor(os.environ, sys.platform), place)
            with self.app.suspend():
                trouble = run_editor(argv)
        except EngineError as error:
            self._editing.say_refused(str(error))
            return
        except SuspendNotSupported:
            self._editing.say_refused(f"This terminal cannot be lent to an editor; edit {place.path} in another one.")
            return
        self.app.refresh(layout=True)
        if trouble:
            self.notify(trouble, severity="warning")
        self._editing.ask(lambda editor: editor.find_problems(), partial(self._tell_problems, place))

    def _tell_problems(self, place: FilePlace, problems: tuple[str, ...]) -> None:
        if not problems:
            self.notify(f"{place.path} is right; what changed in it is taken up.")
            return
        rest = len(problems) - MOST_PROBLEMS
        lines = [*problems[:MOST_PROBLEMS], *([f"and {rest} more"] if rest > 0 else [])]
        self.notify("\n".join(lines), title="Not right yet", severity="error", timeout=15)

    def _key(self, action_id: str) -> str:
        return key_name(keys_of(self.app).keys(BY_ID[action_id])[0])


def _propose(editor: Editor, model: FoundModel) -> Proposal:
    """A proposal for a found model, or for what was typed, which may be one that llama-server downloads."""
    from llama_orch_tui.screens.model_picker import is_hub_model  # noqa: PLC0415 - not for the first paint

    proposal = editor.propose(model)
    if model.source:
        return proposal
    key = "hf" if is_hub_model(model.path) else "model"
    values = editor.propose_values(model.path) if key == "model" else {}
    return replace(proposal, table={key: model.path, "port": proposal.table["port"], **values})
