"""The tabs of facts about one instance; each scrolls by itself, and stays where it is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll

from engine.description import DescribeSection, Description, HealthPoint, SettingInForce
from engine.snapshots import Health
from engine.topics import Topic
from widgets.command_lines import break_command
from widgets.fact_sheet import FactSheet
from widgets.health_chart import CheckList, HealthChart
from widgets.motion import Motion
from widgets.rate_history import Measure
from widgets.setting_sheet import SettingRow, SettingSheet
from widgets.use_curves import Curves, UseCurves

RUNNING = frozenset({"Runtime", "Work"})
"""Sections that stand beside the state where there is room."""
STATE = "State"
READING = (DescribeSection("", lines=("reading…",)),)


class FactTab(VerticalScroll, inherit_bindings=False):
    """A tab to read."""

    DEFAULT_CSS = """
    FactTab { height: 1fr; scrollbar-size-vertical: 1; }
    FactTab > .block, FactTab .block { margin-bottom: 1; }
    FactTab .-empty { display: none; }
    """

    def move(self, motion: Motion) -> None:
        """Scroll."""
        moves = {
            Motion.UP: self.scroll_up,
            Motion.DOWN: self.scroll_down,
            Motion.PAGE_UP: self.scroll_page_up,
            Motion.PAGE_DOWN: self.scroll_page_down,
            Motion.FIRST: self.scroll_home,
            Motion.LAST: self.scroll_end,
        }
        if motion in moves:
            moves[motion](animate=False)


class OverviewTab(FactTab):
    """State, curves, runtime, work, last exit, dependencies; the stylesheet may put two side by side."""

    DEFAULT_CSS = """
    OverviewTab Horizontal { height: auto; layout: vertical; }
    OverviewTab Vertical { height: auto; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._state = FactSheet(READING, id="overview-state", classes="block")
        self._curves = UseCurves("Last two minutes", id="overview-curves")
        self._curves.add_class("block", "-empty")
        self._run_facts = FactSheet(id="overview-running", classes="block -empty")
        self._rest = FactSheet(id="overview-rest", classes="block -empty")

    def compose(self) -> ComposeResult:
        """State beside what runs; the rest below."""
        with Horizontal():
            yield self._state
            with Vertical():
                yield self._curves
                yield self._run_facts
        yield self._rest

    def show(self, sections: Sequence[DescribeSection]) -> None:
        """Draw these sections, each at its place."""
        state = [one for one in sections if one.title == STATE]
        running = [one for one in sections if one.title in RUNNING]
        rest = [one for one in sections if one.title != STATE and one.title not in RUNNING]
        for sheet, shown in ((self._state, state), (self._run_facts, running), (self._rest, rest)):
            sheet.show(shown)
            sheet.set_class(not shown, "-empty")

    def show_curves(self, curves: Curves) -> None:
        """Draw what the instance made and took."""
        self._curves.show(curves)
        self._curves.set_class(not self._curves.curves, "-empty")


class ConfigurationTab(FactTab):
    """Every value in force, with where it comes from."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._file = FactSheet(READING, classes="block")
        self._sheet = SettingSheet()

    def compose(self) -> ComposeResult:
        """The file and what is wrong with it, then the values."""
        yield self._file
        yield self._sheet

    def show(self, description: Description) -> None:
        """Draw the configuration of this description."""
        self._file.show([DescribeSection("", rows=file_rows(description))])
        self._sheet.show(setting_rows(description.settings))


class CommandTab(FactTab):
    """What runs, or what a start would execute: an option in each line."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._sheet = FactSheet(READING)

    def compose(self) -> ComposeResult:
        """One sheet."""
        yield self._sheet

    def show(self, description: Description, *, is_running: bool) -> None:
        """Draw the command lines of this description."""
        title = "Running" if is_running else "What a start executes"
        command = DescribeSection(
            title, lines=break_command(description.command_line) if description.command_line else ()
        )
        others = [one for one in description.sections if one.topic is Topic.COMMAND]
        broken = [
            DescribeSection(one.title, one.rows, tuple(part for line in one.lines for part in break_command(line)))
            for one in others
        ]
        self._sheet.show([command, *broken])


class HealthTab(FactTab):
    """Chart over time, latency of the last minutes, and the stored checks."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._chart = HealthChart()
        self._chart.add_class("block")
        self._latency = UseCurves("Last two minutes")
        self._latency.add_class("block", "-empty")
        self._checks = CheckList()

    def compose(self) -> ComposeResult:
        """What is now, what was, and what it was made of."""
        yield self._chart
        yield self._latency
        yield self._checks

    def show(self, points: Sequence[HealthPoint], strip: Sequence[Health], ends: Sequence[float], now: float) -> None:
        """Draw the stored checks (oldest first) and the last ones; who reads in the list goes on reading there."""
        self._chart.show(points, strip, ends, now)
        moved = self._checks.show(points)
        if moved and self.scroll_y > 0:
            self.scroll_to(y=self.scroll_y + moved, animate=False, force=True)

    def show_latency(self, samples: Sequence[float]) -> None:
        """Draw how long the checks took lately (milliseconds)."""
        self._latency.show({Measure.PROBE: samples})
        self._latency.set_class(not self._latency.curves, "-empty")


def file_rows(description: Description) -> tuple[tuple[str, str], ...]:
    """What the configuration's section tells besides the settings: the file, and problems with it."""
    settings = {(one.key, f"{one.value}  ({one.origin})") for one in description.settings}
    sections = [one for one in description.sections if one.topic is Topic.CONFIGURATION]
    return tuple(row for section in sections for row in section.rows if row not in settings)


def setting_rows(settings: Sequence[SettingInForce]) -> tuple[SettingRow, ...]:
    """The settings in rows; those of one table below its name."""
    rows: list[SettingRow] = []
    for table, group in groupby(settings, key=lambda one: one.key.rpartition(".")[0]):
        if table:
            rows.append(SettingRow(table, ""))
        for one in group:
            label = f"  {one.key.rpartition('.')[2]}" if table else one.key
            rows.append(SettingRow(label, one.value, one.origin, is_quiet=one.is_built_in))
    return tuple(rows)
