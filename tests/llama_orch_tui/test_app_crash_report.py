"""The crash report by one key: from the table, from describe, and when there is none."""

from __future__ import annotations

from engine.errors import CrashReportError
from engine.snapshots import CrashText
from llama_orch_tui.screens.crash_report import CrashReportScreen
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import TRIO, engine_of, snapshot

NAME = TRIO[0].name
REPORT = CrashText("/state/crashes/x.txt", ("ended    killed by SIGSEGV", "[red]not markup[/red]"))


def test_v_shows_the_newest_report_literally_and_escape_goes_back() -> None:
    engine = engine_of(snapshot(TRIO))
    engine.crash_reports[NAME] = REPORT

    async def script(operator: Operator) -> None:
        await operator.press("v")
        await operator.until_shown("killed by SIGSEGV")
        assert f"Crash report · {NAME}" in operator.text()
        assert REPORT.path in operator.text()
        assert "[red]not markup[/red]" in operator.text()
        await operator.press("escape")
        assert operator.app.screen is operator.dashboard

    drive(engine, script)


def test_v_in_describe_shows_it_and_comes_back_to_describe() -> None:
    engine = engine_of(snapshot(TRIO))
    engine.crash_reports[NAME] = REPORT

    async def script(operator: Operator) -> None:
        await operator.press("d")
        await operator.until_shown("[1 Overview]")
        await operator.press("v")
        await operator.until_shown("killed by SIGSEGV")
        await operator.press("v")
        assert isinstance(operator.app.screen, CrashReportScreen)
        await operator.press("escape")
        await operator.until_shown("[1 Overview]")

    drive(engine, script)


def test_without_a_report_and_with_one_that_cannot_be_read_it_says_so() -> None:
    engine = engine_of(snapshot(TRIO))

    async def script(operator: Operator) -> None:
        await operator.press("v")
        await operator.until_shown("There is no crash report")
        await operator.press("escape")
        engine.crash_reports[NAME] = CrashReportError("/state/x.txt: Permission denied; see who owns it")
        await operator.press("v")
        await operator.until_shown("Permission denied")

    drive(engine, script)
