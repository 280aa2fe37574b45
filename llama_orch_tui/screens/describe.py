"""The describe screen: all there is to say about one instance, kept current while it is open."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on, work
from textual.message import Message
from textual.widget import Widget

from engine.errors import EngineError
from engine.protocol import Engine
from engine.snapshots import DescribeSection, Description
from llama_orch_tui.screens.page import PageScreen
from widgets.fact_sheet import FactSheet

REFRESH_S = 2.0


class DescribeScreen(PageScreen):
    """Facts about one instance, read on a worker thread every two seconds."""

    is_of_instance = True

    @dataclass
    class Described(Message):
        """A reading is done."""

        description: Description | None
        error: str = ""

    def __init__(self, engine: Engine, name: str) -> None:
        super().__init__()
        self._engine = engine
        self._instance = name
        self._is_reading = False
        self._command_line = ""

    def page_title(self) -> str:
        """The instance's name."""
        return self._instance

    def compose_page(self) -> list[Widget]:
        """One sheet."""
        return [FactSheet([DescribeSection("", lines=("reading…",))])]

    def on_mount(self) -> None:
        """Read now, and again while the page is open."""
        super().on_mount()
        self._read()
        self.set_interval(REFRESH_S, self._read)

    def _read(self) -> None:
        if not self._is_reading:
            self._is_reading = True
            self._describe()

    @work(thread=True, group="describe", exit_on_error=False)
    def _describe(self) -> None:
        try:
            self.post_message(self.Described(self._engine.describe(self._instance)))
        except (EngineError, OSError) as error:
            self.post_message(self.Described(None, str(error)))

    @on(Described)
    def show_description(self, event: Described) -> None:
        """Draw what was read, or why it could not be."""
        self._is_reading = False
        sheet = self.query_one(FactSheet)
        if event.description is None:
            sheet.show([DescribeSection("Cannot be described", lines=(event.error,))])
            return
        self._command_line = event.description.command_line
        command = DescribeSection("Command line", lines=(self._command_line,)) if self._command_line else None
        sheet.show([*([command] if command else []), *event.description.sections])

    def action_page_crash(self) -> None:
        """The report of its last crash."""
        from llama_orch_tui.screens.crash_report import CrashReportScreen  # noqa: PLC0415 - only when it is asked for

        self.app.push_screen(CrashReportScreen(self._engine, self._instance))

    def action_copy_page(self) -> None:
        """Copy the command line."""
        if not self._command_line:
            self.notify("There is no command line to copy.", severity="warning", markup=False)
            return
        self.app.copy_to_clipboard(self._command_line)
        self.notify(self._command_line, title="Copied", markup=False)
