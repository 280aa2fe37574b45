"""The crash report page: what is kept of an instance's last unwanted end."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on, work
from textual.message import Message
from textual.widget import Widget

from engine.description import DescribeSection
from engine.errors import EngineError
from engine.protocol import Engine
from engine.snapshots import CrashText
from llama_orch_tui.screens.page import PageScreen
from widgets.fact_sheet import FactSheet

NONE_YET = "There is no crash report: it has not ended unasked, or its reports have been cleared since."


class CrashReportScreen(PageScreen):
    """The newest report, read once on a worker thread."""

    @dataclass
    class Read(Message):
        """The reading is done: a report, none, or (with a problem) nothing that could be read."""

        report: CrashText | None
        problem: str = ""

    def __init__(self, engine: Engine, name: str) -> None:
        super().__init__()
        self._engine = engine
        self._instance = name

    def page_title(self) -> str:
        """Whose report."""
        return f"Crash report · {self._instance}"

    def compose_page(self) -> list[Widget]:
        """One sheet."""
        return [FactSheet([DescribeSection("", lines=("reading…",))])]

    def on_mount(self) -> None:
        """Read it."""
        super().on_mount()
        self._read()

    @work(thread=True, group="crash-report", exit_on_error=False)
    def _read(self) -> None:
        try:
            self.post_message(self.Read(self._engine.read_crash_report(self._instance)))
        except EngineError as error:
            self.post_message(self.Read(None, str(error)))

    @on(Read)
    def show_report(self, event: Read) -> None:
        """Draw what was read, or why there is nothing."""
        sheet = self.query_one(FactSheet)
        if event.report is None:
            sheet.show([DescribeSection("", lines=(event.problem or NONE_YET,))])
        else:
            sheet.show([DescribeSection(event.report.path, lines=event.report.lines)])
