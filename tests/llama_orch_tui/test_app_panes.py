"""The panes together: focus, zoom, events, log, top bar, faults."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.log_asking import LogWindow
from engine.snapshots import Event, EventType, Fault, Level, LogLine, Stream
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import EVENTS, LOG_LINES, NOW, TRIO, engine_of, snapshot
from widgets.pane_deck import Pane


def focused(operator: Operator) -> str | None:
    return operator.dashboard.focused.id if operator.dashboard.focused else None


def many_events(count: int) -> tuple[Event, ...]:
    return tuple(
        Event(NOW + index, "chat", Level.INFO, EventType.READY, f"event number {index}", (), index + 1)
        for index in range(count)
    )


def test_tab_goes_round_the_panes_and_shift_tab_back() -> None:
    async def script(operator: Operator) -> None:
        seen = []
        for key in ["tab", "tab", "tab", "shift+tab", "shift+tab"]:
            await operator.press(key)
            seen.append(focused(operator))
        assert seen == ["events", "log", "table", "log", "events"]

    drive(engine_of(snapshot(TRIO)), script)


def test_l_and_e_go_to_log_and_events_and_escape_back_to_the_table() -> None:
    async def script(operator: Operator) -> None:
        for key, pane in [("l", "log"), ("e", "events"), ("escape", "table")]:
            await operator.press(key)
            assert focused(operator) == pane

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize("pane", list(Pane))
@pytest.mark.parametrize("way_back", ["z", "escape"])
def test_z_gives_the_pane_the_whole_screen_and_back(pane: Pane, way_back: str) -> None:
    titles = {Pane.TABLE: "─ Instances", Pane.EVENTS: "─ Events", Pane.LOG: "─ Log · chat"}

    async def script(operator: Operator) -> None:
        operator.dashboard.action_focus_pane(pane)
        await operator.press("z")
        for other, title in titles.items():
            assert (title in operator.text()) == (other is pane)
        assert focused(operator) == pane.value
        await operator.press(way_back)
        assert all(title in operator.text() for title in titles.values())
        assert focused(operator) == pane.value

    drive(engine_of(snapshot(TRIO)), script)


def test_a_zoom_goes_along_to_the_next_pane() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("z", "l")
        assert "Log · chat" in operator.text()
        assert "Instances" not in operator.text()
        assert focused(operator) == "log"

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize(("size", "is_beside"), [((109, 40), False), ((110, 40), True), ((80, 24), False)])
def test_events_and_log_stand_side_by_side_only_where_there_is_room(size: tuple[int, int], is_beside: bool) -> None:  # noqa: FBT001 - a row of a table
    async def script(operator: Operator) -> None:
        assert (operator.line_of("Events") == operator.line_of("Log · chat")) is is_beside

    drive(engine_of(snapshot(TRIO)), script, size=size)


def test_the_newest_event_is_at_the_bottom_and_followed() -> None:
    async def script(operator: Operator) -> None:
        await operator.until_shown("event number 49")
        operator.engine.publish(snapshot(TRIO, events=many_events(60), seq=2))
        await operator.until_shown("event number 59")
        assert operator.events.is_following

    drive(engine_of(snapshot(TRIO, events=many_events(50))), script, size=(80, 24))


def test_scrolled_up_the_events_stay_where_they_are_until_the_end() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "g")
        assert "event number 0" in operator.text()
        operator.engine.publish(snapshot(TRIO, events=many_events(60), seq=2))
        await operator.until(lambda: len(operator.events.rows) == 60)
        assert "event number 0" in operator.text()
        await operator.press("G")
        await operator.until_shown("event number 59")
        assert operator.events.is_following

    drive(engine_of(snapshot(TRIO, events=many_events(50))), script, size=(80, 24))


def test_the_cursor_stays_on_its_event_when_older_ones_fall_out() -> None:
    events = many_events(60)

    async def script(operator: Operator) -> None:
        await operator.press("e", "up", "k", "pageup", "down")
        here = operator.events.rows[operator.events.cursor]
        operator.engine.publish(snapshot(TRIO, events=events[10:], seq=2))
        await operator.until(lambda: len(operator.events.rows) == 50)
        assert operator.events.rows[operator.events.cursor] == here

    drive(engine_of(snapshot(TRIO, events=events)), script)


@pytest.mark.parametrize("close", ["escape", "enter", "q"])
def test_d_shows_an_event_whole(close: str) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "up", "up", "up", "d")
        await operator.until_shown("E ggml: [/nope] failed")
        assert "out-of-memory" in operator.text()
        await operator.press(close)
        await operator.until_gone("out-of-memory")
        assert focused(operator) == "events"

    drive(engine_of(snapshot(TRIO)), script)


def test_no_event_at_all_is_said() -> None:
    async def script(operator: Operator) -> None:
        assert "Nothing has happened yet." in operator.text()
        await operator.press("e", "enter", "up", "G")

    drive(engine_of(snapshot(TRIO, events=())), script)


def test_the_log_follows_the_cursor_once_it_rests_and_the_old_view_is_closed() -> None:
    async def script(operator: Operator) -> None:
        assert [view.name for view in operator.engine.views] == ["chat"]
        await operator.press("down", "down")
        await operator.until_shown("Log · code")
        assert [view.name for view in operator.engine.views] == ["chat", "code"]
        assert [view.is_closed for view in operator.engine.views] == [True, False]

    engine = engine_of(snapshot(TRIO))
    drive(engine, script)
    assert all(view.is_closed for view in engine.views)


def test_the_log_draws_what_is_published_and_asks_for_its_height() -> None:
    async def script(operator: Operator) -> None:
        await operator.until_shown("plain words on stdout with [brackets] and [/nope] red")
        assert "┄ 1,204 bytes were dropped here" in operator.text()
        view = operator.engine.views[0]
        assert ("resize", operator.log.size.height) in view.calls
        view.publish(LogWindow("chat", (LogLine("a newer line", Stream.STDERR),)))
        await operator.until_shown("a newer line")

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize(
    ("key", "call"),
    [
        ("up", ("scroll", -1)),
        ("k", ("scroll", -1)),
        ("down", ("scroll", 1)),
        ("j", ("scroll", 1)),
        ("home", ("to_start", 0)),
        ("g", ("to_start", 0)),
        ("end", ("to_end", 0)),
        ("G", ("to_end", 0)),
    ],
)
def test_keys_scroll_the_log(key: str, call: tuple[str, int]) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", key)
        assert operator.engine.views[0].calls[-1] == call

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize(("key", "sign"), [("pageup", -1), ("pagedown", 1)])
def test_pages_of_the_log_are_as_high_as_the_pane(key: str, sign: int) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", key)
        assert operator.engine.views[0].calls[-1] == ("scroll", sign * (operator.log.size.height - 1))

    drive(engine_of(snapshot(TRIO)), script)


def test_left_and_right_move_a_long_line_under_the_pane() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "right")
        await operator.until(lambda: LOG_LINES[0].text not in operator.text())
        await operator.press("left", "left")
        await operator.until_shown(LOG_LINES[0].text)

    drive(engine_of(snapshot(TRIO)), script, size=(100, 30))


def test_scrolling_up_pauses_and_the_title_counts_until_the_end_resumes() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "up")
        await operator.until_shown("paused")
        view = operator.engine.views[0]
        view.publish(replace(view.window(), new_lines=123))
        await operator.until_shown("paused · 123 new lines")
        await operator.press("end")
        await operator.until_gone("paused")

    drive(engine_of(snapshot(TRIO)), script)


def test_the_wheel_scrolls_the_log() -> None:
    async def script(operator: Operator) -> None:
        await operator.pilot._post_mouse_events([MouseScrollUp], "#log", button=0)
        await operator.pilot.pause()
        assert operator.engine.views[0].calls[-1] == ("scroll", -3)

    from textual.events import MouseScrollUp  # noqa: PLC0415 - only here

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize(
    ("window", "text"),
    [
        (LogWindow("chat"), "Nothing logged yet."),
        (LogWindow("chat", error="chat: its log folder cannot be read"), "its log folder cannot be read"),
    ],
)
def test_an_empty_log_says_why(window: LogWindow, text: str) -> None:
    engine = engine_of(snapshot(TRIO))
    engine.logs["chat"] = window

    async def script(operator: Operator) -> None:
        await operator.until_shown(text)

    drive(engine, script)


def test_the_top_bar_counts_in_words_and_names_who_leads() -> None:
    async def script(operator: Operator) -> None:
        top = operator.lines()[0]
        assert "● 1 ready" in top
        assert "◑ 1 loading" in top
        assert "○ 1 stopped" in top
        assert "following PID 123 (daemon)" in top
        assert "CPU" in top
        assert "22G/64G" in top

    drive(engine_of(snapshot(TRIO, follows=True)), script)


@pytest.mark.parametrize("width", range(20, 140, 15))
def test_top_bar_and_footer_stay_one_line(width: int) -> None:
    async def script(operator: Operator) -> None:
        assert operator.lines()[0].lstrip().startswith(("lorch", "llama-orch-tui"))
        assert operator.line_of("Instances") == 1
        assert len(operator.lines()[-1]) == width
        assert operator.dashboard.query_one("KeyFooter").size.height == 1

    drive(engine_of(snapshot()), script, size=(width, 24))


def test_nobody_leading_is_said() -> None:
    async def script(operator: Operator) -> None:
        await operator.until_shown("nobody leads")

    drive(engine_of(replace(snapshot(TRIO), leader=None, is_leader=False)), script)


def test_a_fault_is_one_line_below_the_panes_and_goes_when_it_is_mended() -> None:
    faults = (Fault("state", "disk full: free some space\x1b[31m [/x]", NOW), Fault("config", "broken", NOW))

    async def script(operator: Operator) -> None:
        assert "▲ disk full: free some space [/x]" in operator.lines()[-2]
        assert "(+1 more)" in operator.lines()[-2]
        operator.engine.publish(snapshot(TRIO, seq=2))
        await operator.until_gone("disk full")

    drive(engine_of(snapshot(TRIO, faults=faults)), script)


def test_the_fix_at_a_fault_s_end_is_in_sight_on_a_narrow_screen() -> None:
    long = (
        "/home/somebody/.config/llama-orch-tui/config.toml:27: [instances.typo] ctx_sise: unknown key; mean ctx_size?"
    )

    async def script(operator: Operator) -> None:
        await operator.until(lambda: "mean ctx_size?" in operator.lines()[-2])
        assert operator.lines()[-3].startswith(" ▲ /home/somebody")
        longer = f"{long} {'or ' * 40}"
        operator.engine.publish(snapshot(TRIO, faults=(Fault("config", longer, NOW),) * 2, seq=2))
        await operator.until(lambda: "(+1 more)" in operator.lines()[-2])
        assert "…" in operator.lines()[-2]

    drive(engine_of(snapshot(TRIO, faults=(Fault("config", long, NOW),))), script, size=(80, 24))


def test_nothing_is_drawn_again_while_the_snapshot_is_the_same() -> None:
    async def script(operator: Operator) -> None:
        before, shown = operator.table._shown_at, operator.dashboard.snapshot
        operator.app.poll_engine()
        assert operator.table._shown_at == before
        assert operator.dashboard.snapshot is shown

    drive(engine_of(snapshot(TRIO, events=EVENTS)), script)


def test_a_snapshot_that_changes_no_size_lays_nothing_out() -> None:
    layouts: list[object] = []

    async def script(operator: Operator) -> None:
        operator.app.screen.screen_layout_refresh_signal.subscribe(operator.table, layouts.append)
        operator.engine.publish(snapshot((replace(TRIO[0], cpu_percent=99.0), *TRIO[1:]), seq=2))
        await operator.until_shown("99%")
        assert layouts == []
        operator.engine.publish(snapshot(TRIO[:2], seq=3))
        await operator.until(lambda: bool(layouts))

    drive(engine_of(snapshot(TRIO)), script)
