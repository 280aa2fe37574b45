"""The keys of the log pane: search, filter, level, moment, wrap, pause, merge, copy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.log_asking import LogFilter, LogLevel, LogPattern, LogSearch, LogWindow, Seek
from engine.snapshots import LogLine, Stream
from llama_orch_tui.screens.log_room import LOG_DELAY_S
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import BUSY, EVENTS, LOG_LINES, NOW, TRIO, engine_of, snapshot
from widgets.log_text import LogText


def tell(operator: Operator, search: LogSearch) -> None:
    """Let the engine say how the search stands."""
    operator.view.publish(replace(operator.view.window(), search=search))


def hits(operator: Operator) -> list[int]:
    """Where the pane was asked to go, hit by hit."""
    return [step for call, step in operator.view.calls if call == "to_hit"]


def text(operator: Operator) -> LogText:
    return operator.log.text


def test_a_search_is_counted_while_it_is_typed_and_enter_goes_to_the_newest_match() -> None:
    pattern = LogPattern("oom")

    async def script(operator: Operator) -> None:
        await operator.press("l", "slash", "o", "o", "m")
        assert operator.view.pattern == pattern
        tell(operator, LogSearch(pattern, 1200, 0.25))
        await operator.until_shown("1,200 lines in 25%")
        tell(operator, LogSearch(pattern, 4321, 1.0))
        await operator.until_shown("4,321 lines")
        assert hits(operator) == []
        await operator.press("enter")
        assert hits(operator) == [-1]
        assert operator.dashboard.focused is text(operator)
        await operator.until_shown("oom: 4,321 lines")
        await operator.press("n", "n", "N")
        assert hits(operator) == [-1, 1, 1, -1]

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize(
    ("search", "words"),
    [
        (LogSearch(LogPattern("x"), 0, 0.4), "0 lines in 40%"),
        (LogSearch(LogPattern("x"), 0, 1.0), "no match"),
        (LogSearch(LogPattern("x"), 7, 1.0, Seek.WRAPPED), "7 lines, from the other end"),
        (LogSearch(LogPattern("x"), 1, 1.0, Seek.SEEKING), "1 line, looking"),
        (LogSearch(LogPattern("x"), 0, 0.9, Seek.NOTHING), "no match"),
    ],
)
def test_how_a_search_stands_is_in_the_title(search: LogSearch, words: str) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "slash", "x", "enter")
        tell(operator, search)
        await operator.until_shown(f"x: {words}")

    drive(engine_of(snapshot(TRIO)), script)


def test_hits_are_highlighted_and_escape_ends_the_search_before_it_leaves() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "slash", *"cuda", "enter")
        style = text(operator).paper("log--hit")
        row = next(y for y in range(20) if "out of memory" in text(operator).render_line(y).text)
        assert [one.text for one in text(operator).render_line(row) if one.style == style] == ["cuda", "CUDA"]
        await operator.press("escape")
        assert operator.view.pattern is None
        assert operator.dashboard.focused is text(operator)
        await operator.press("escape")
        assert operator.table.has_focus

    drive(engine_of(snapshot(TRIO)), script, size=(200, 50))


def test_escape_while_typing_drops_the_search() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "slash", "x", "escape")
        assert operator.view.pattern is None
        assert operator.log.search is None
        await operator.press("slash")
        assert not operator.log.search

    drive(engine_of(snapshot(TRIO)), script)


def test_n_without_a_search_asks_for_one() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "n")
        assert operator.log.is_typing

    drive(engine_of(snapshot(TRIO)), script)


def test_what_is_no_expression_is_told_while_it_is_typed_and_the_last_good_one_stays() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "slash", "ctrl+r", "a")
        assert operator.view.pattern == LogPattern("a", is_regex=True)
        await operator.press("left_parenthesis")
        await operator.until_shown("not a regular expression: missing )")
        found = LogSearch(LogPattern("a", is_regex=True), 2, 1.0, Seek.FOUND)
        operator.view.publish(replace(operator.view.window(), search=found, size_bytes=5 * 1024, lines=LOG_LINES[:2]))
        await operator.until_shown("5K")
        assert "not a regular expression" in operator.text(), "its hits are no answer to what is typed"
        assert operator.view.pattern == LogPattern("a", is_regex=True)
        found = LogSearch(LogPattern("a", is_regex=True), 3, 1.0)
        operator.view.publish(replace(operator.view.window(), search=found))
        await operator.until(lambda: operator.log.text.log_window.search == found)
        assert "not a regular expression" in operator.text(), "the hits of before do not hide it"
        await operator.press("b", "right_parenthesis")
        await operator.until_gone("not a regular expression")
        assert operator.view.pattern == LogPattern("a(b)", is_regex=True)
        await operator.press("ctrl+r")
        assert operator.view.pattern == LogPattern("a(b)")

    drive(engine_of(snapshot(TRIO)), script)


def test_a_filter_works_as_it_is_typed_stays_on_enter_and_escape_lifts_it() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "f", *"slot")
        assert operator.view.asked == LogFilter(LogPattern("slot"))
        await operator.press("enter")
        await operator.until_shown("filter slot")
        await operator.press("escape")
        assert operator.view.asked == LogFilter()
        await operator.press("f", "x", "escape")
        assert operator.view.asked == LogFilter()
        await operator.until_gone("filter x")

    drive(engine_of(snapshot(TRIO)), script)


def test_the_level_key_goes_from_all_to_warnings_to_errors_and_keeps_the_filter() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "f", "x", "enter")
        seen = []
        for _ in range(3):
            await operator.press("L")
            seen.append(operator.view.asked.least)
        assert seen == [LogLevel.WARNING, LogLevel.ERROR, None]
        assert operator.view.asked == LogFilter(LogPattern("x"))

    drive(engine_of(snapshot(TRIO)), script)


def test_a_filter_that_lets_nothing_through_says_so() -> None:
    async def script(operator: Operator) -> None:
        operator.view.publish(LogWindow("chat", size_bytes=5000, is_filling=True))
        await operator.until_shown("Looking for lines …")
        operator.view.publish(LogWindow("chat", size_bytes=5000))
        await operator.until_shown("No line passes the filter.")

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize(
    ("typed", "moment"),
    [("10m", NOW - 600), ("2h ago", NOW - 7200), ("2026-09-21T14:00:00Z", 1_789_999_200.0)],
)
def test_a_moment_is_typed_and_gone_to(typed: str, moment: float) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "T")
        operator.dashboard.query_one("#log-pane #prompt-line").value = typed  # type: ignore[attr-defined]
        await operator.press("enter")
        await operator.until(lambda: ("to_time", round(moment)) in operator.view.calls)
        await operator.until(lambda: operator.dashboard.focused is text(operator))

    drive(engine_of(snapshot(TRIO)), script)


def test_what_is_no_moment_is_told_and_can_be_mended() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "T", *"soon", "enter")
        await operator.until_shown("not a time; give")
        assert operator.log.is_typing
        await operator.press("escape")
        assert not operator.log.is_typing

    drive(engine_of(snapshot(TRIO)), script, size=(160, 40))


def test_enter_on_an_event_shows_its_instances_log_at_that_moment() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "enter")
        assert operator.view.name == EVENTS[-1].instance == "vision"
        assert operator.view.calls[-1] == ("to_time", round(EVENTS[-1].ts))
        assert operator.dashboard.focused is text(operator)
        assert operator.table.cursor_name == "vision"
        await operator.pilot.pause(0.3)
        assert [view.name for view in operator.engine.views] == ["chat", "vision"]

    drive(engine_of(snapshot(BUSY)), script)


def test_enter_on_an_event_without_a_log_shows_it_whole() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "g", "enter")
        await operator.until_shown("– (the supervisor)")

    drive(engine_of(snapshot(BUSY)), script)


def test_space_pauses_and_follows_again() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "space")
        await operator.until_shown("paused")
        await operator.press("space")
        await operator.until_gone("paused")
        assert [call for call, _ in operator.view.calls[-2:]] == ["hold", "to_end"]

    drive(engine_of(snapshot(TRIO)), script)


def test_wrapping_shows_a_long_line_whole_and_asks_for_as_many_lines_as_fit() -> None:
    lines = tuple(LogLine(f"{number} " + "x" * 250 + "END", Stream.STDERR) for number in range(40))

    async def script(operator: Operator) -> None:
        operator.view.publish(LogWindow("chat", lines, size_bytes=99_000))
        await operator.press("l", "z", "w")
        await operator.until_shown("END")
        fitting = operator.view.fitting
        assert fitting is not None
        assert fitting < operator.log.size.height // 2
        assert f"{39 - fitting + 1} x" in operator.text()
        await operator.press("pageup")
        assert operator.view.calls[-1] == ("scroll", -fitting)
        await operator.press("w")
        await operator.until_gone("END")

    drive(engine_of(snapshot(TRIO)), script, size=(100, 30))


def test_a_wrapped_line_goes_on_indented_and_loses_no_wide_character() -> None:
    line = LogLine("0.02.120.001 I main: " + "请求" * 40, Stream.STDERR)

    async def script(operator: Operator) -> None:
        operator.view.publish(LogWindow("chat", (line,), size_bytes=99_000))
        await operator.press("l", "z", "w")
        await operator.until_shown("↳")
        first, *further = [one.rstrip() for one in operator.lines() if "请" in one or "求" in one]
        assert first.startswith("  0.02.120.001 I main: ")
        assert all(one.startswith("↳ ") for one in further)
        assert sum(one.count("请") + one.count("求") for one in (first, *further)) == 80

    drive(engine_of(snapshot(TRIO)), script, size=(80, 24))


@pytest.mark.parametrize("marks", [(), ("space", "down", "down", "space")])
def test_m_merges_all_or_the_marked_with_their_names_and_again_shows_one(marks: tuple[str, ...]) -> None:
    async def script(operator: Operator) -> None:
        await operator.press(*marks, "m")
        assert operator.view.names == (("chat", "code") if marks else ("chat", "embed", "code"))
        await operator.until_shown(f"Log · {len(operator.view.names)} instances")
        assert "chat  " in operator.lines()[-6] or any("chat    " in line for line in operator.lines())
        await operator.press("escape", "down", "m")
        await operator.until(lambda: not operator.dashboard.is_merged)

    drive(engine_of(snapshot(TRIO)), script)


def test_a_merged_log_asked_for_right_behind_a_move_is_not_replaced_when_the_cursor_has_rested() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("down", "m")
        await operator.pilot.pause(2 * LOG_DELAY_S)
        assert operator.dashboard.is_merged
        assert len(operator.engine.views) == 2

    drive(engine_of(snapshot(TRIO)), script)


def test_instances_of_a_merged_log_have_colours_of_their_own() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("m")
        window = operator.view.window()
        shown = [text(operator)._name_piece(line)[0] for line in window.lines]
        assert {(piece.text.strip(), piece.ink) for piece in shown} == {
            ("chat", "ink--hue0"),
            ("embed", "ink--hue1"),
            ("code", "ink--hue2"),
        }

    drive(engine_of(snapshot(TRIO)), script)


def test_a_merged_log_stays_while_the_cursor_moves() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("m", "escape", "down", "down")
        await operator.pilot.pause(0.3)
        assert len(operator.engine.views) == 2
        assert not operator.view.is_closed

    drive(engine_of(snapshot(TRIO)), script)


def test_the_lines_on_the_screen_are_copied_without_escapes() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "c")
        copied = operator.app.clipboard.split("\n")
        assert copied == [line.text.replace("\x1b[31m", "").replace("\x1b[0m", "") for line in LOG_LINES]
        assert ("information", f"{len(LOG_LINES)} lines of the log") in operator.told()

    drive(engine_of(snapshot(TRIO)), script, size=(120, 50))


def test_lines_selected_with_the_mouse_are_copied_and_stand_still() -> None:
    async def script(operator: Operator) -> None:
        await operator.pilot.mouse_down("#log", offset=(5, 1))
        await operator.pilot.hover("#log", offset=(9, 3))
        await operator.pilot.mouse_up("#log", offset=(9, 3))
        assert ("hold", 0) in operator.view.calls
        assert text(operator).selection == LOG_LINES[1:4]
        await operator.press("l", "c")
        assert operator.app.clipboard.split("\n")[0] == LOG_LINES[1].text
        assert operator.app.clipboard.count("\n") == 2
        await operator.press("escape")
        assert text(operator).selection == ()

    drive(engine_of(snapshot(TRIO)), script, size=(120, 50))


def test_another_log_begins_without_the_search_and_the_filter_of_the_one_before() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "slash", "x", "enter", "L", "escape")
        await operator.press("escape", "escape", "down")
        await operator.until_shown("Log · embed")
        assert (operator.view.pattern, operator.view.asked) == (None, LogFilter())
        assert (operator.log.search, operator.log.asked) == (None, LogFilter())

    drive(engine_of(snapshot(TRIO)), script)


def test_the_footer_tells_what_can_be_done_while_typing() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("l", "slash")
        assert "^r Text or regex" in operator.lines()[-1]
        await operator.press("escape")
        assert "/ Search" in operator.lines()[-1]
        assert "n Next" not in operator.lines()[-1]
        await operator.press("slash", "x", "enter")
        assert "n Next" in operator.lines()[-1]

    drive(engine_of(snapshot(TRIO)), script, size=(150, 40))
