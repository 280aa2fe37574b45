"""What the table draws again when something changes, seen in an application of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from textual.app import App, ComposeResult
from textual.strip import Strip

from engine.snapshots import InstanceSnapshot, Snapshot, State
from tests.fakes.scenes import NOW, instance
from widgets.frame import set_title
from widgets.instance_table import HEAD_LINES, InstanceTable

ROWS = (
    instance("alpha", State.READY, uptime_s=10.2, cpu=5, memory=3),
    instance("beta", State.READY, uptime_s=20.7, cpu=6, memory=4),
    instance("gamma", State.STOPPED),
)
ALPHA, BETA, GAMMA = range(HEAD_LINES, HEAD_LINES + 3)


class NotedTable(InstanceTable):
    """Notes which lines it is asked for."""

    drawn_lines: set[int]

    def render_line(self, y: int) -> Strip:
        """Draw, and note it."""
        self.drawn_lines.add(y)
        return super().render_line(y)


class TableApp(App[None]):
    """The table alone, at a time that the test sets."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.table = NotedTable(clock=lambda: self.now)
        self.table.drawn_lines = set()

    def compose(self) -> ComposeResult:
        """The table over the whole screen."""
        yield self.table

    def show(self, *rows: InstanceSnapshot) -> None:
        """Publish these rows."""
        self.table.show(Snapshot(1, self.now, instances=rows), {})


async def drawn_by(app: TableApp, change: Callable[[], object]) -> set[int]:
    """The lines that are drawn again because of `change`."""
    app.table.drawn_lines.clear()
    change()
    await asyncio.sleep(0.1)
    return set(app.table.drawn_lines)


def in_table(script: Callable[[TableApp], Awaitable[None]]) -> None:
    async def run() -> None:
        app = TableApp()
        async with app.run_test(size=(120, 12)) as pilot:
            app.show(*ROWS)
            await pilot.pause()
            await asyncio.sleep(0.1)
            await script(app)

    asyncio.run(run())


def text_of(app: TableApp, line: int) -> str:
    return "".join(segment.text for segment in app.table.render_line(line))


def test_a_snapshot_that_reads_the_same_draws_nothing() -> None:
    async def script(app: TableApp) -> None:
        same = tuple(replace(one) for one in ROWS)

        assert await drawn_by(app, lambda: app.show(*same)) == set()

    in_table(script)


def test_only_the_row_that_changed_is_drawn_again() -> None:
    async def script(app: TableApp) -> None:
        changed = replace(ROWS[1], cpu_percent=77.0)

        assert await drawn_by(app, lambda: app.show(ROWS[0], changed, ROWS[2])) == {BETA}
        assert "77%" in text_of(app, BETA)

    in_table(script)


def test_a_tick_draws_the_rows_whose_age_grew() -> None:
    async def script(app: TableApp) -> None:
        app.now += 1

        assert await drawn_by(app, app.table.tick) == {ALPHA, BETA}
        assert "11s" in text_of(app, ALPHA)
        assert "21s" in text_of(app, BETA)

    in_table(script)


def test_a_snapshot_between_two_ticks_leaves_the_ages_alone() -> None:
    """Each row passes its full second at another time; all ages grow at the tick, so that one drawing does."""

    async def script(app: TableApp) -> None:
        app.now += 0.9
        older = tuple(one if one.uptime_s is None else replace(one, uptime_s=one.uptime_s + 0.9) for one in ROWS)

        assert await drawn_by(app, lambda: app.show(*older)) == set()
        assert "10s" in text_of(app, ALPHA)
        app.now += 0.1
        assert await drawn_by(app, app.table.tick) == {ALPHA, BETA}
        assert "11s" in text_of(app, ALPHA)

    in_table(script)


def test_a_snapshot_after_a_missed_tick_brings_the_ages_up_to_date() -> None:
    async def script(app: TableApp) -> None:
        app.now += 60
        app.show(*(one if one.uptime_s is None else replace(one, uptime_s=one.uptime_s + 60) for one in ROWS))

        assert " 1m " in text_of(app, ALPHA)

    in_table(script)


def test_a_tick_draws_nothing_while_ages_are_counted_in_minutes() -> None:
    async def script(app: TableApp) -> None:
        app.now += 60
        assert await drawn_by(app, app.table.tick) == {ALPHA, BETA}
        app.now += 1

        assert await drawn_by(app, app.table.tick) == set()

    in_table(script)


def test_a_wider_name_moves_every_row() -> None:
    async def script(app: TableApp) -> None:
        renamed = replace(ROWS[2], name="gamma-with-a-long-name")

        assert await drawn_by(app, lambda: app.show(*ROWS[:2], renamed)) >= {0, ALPHA, BETA, GAMMA}

    in_table(script)


def test_a_row_that_goes_is_drawn_away() -> None:
    async def script(app: TableApp) -> None:
        assert GAMMA in await drawn_by(app, lambda: app.show(*ROWS[:2]))
        assert text_of(app, GAMMA).strip() == ""

    in_table(script)


def test_another_theme_draws_every_row_in_its_colours() -> None:
    async def script(app: TableApp) -> None:
        before = [segment.style for segment in app.table.render_line(BETA)]
        app.theme = "textual-light"
        await asyncio.sleep(0.3)

        assert [segment.style for segment in app.table.render_line(BETA)] != before

    in_table(script)


def test_a_title_that_is_there_already_draws_nothing() -> None:
    async def script(app: TableApp) -> None:
        set_title(app.table, "Instances [1/2]")
        await asyncio.sleep(0.1)

        assert await drawn_by(app, lambda: set_title(app.table, "Instances [1/2]")) == set()
        assert await drawn_by(app, lambda: set_title(app.table, "Instances")) != set()

    in_table(script)
