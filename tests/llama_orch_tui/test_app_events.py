"""The event pane: what is shown, what is searched, what older events are read, and the file they are saved in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import StateError
from engine.log_asking import LogPattern
from engine.snapshots import Event, EventType, Fault, Level
from llama_orch_tui.screens.event import event_sections
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import EVENTS, NOW, TRIO, engine_of, snapshot
from tests.fakes.still_engine import StillEngine
from widgets.event_list import EventList

NAMES = [one.name for one in TRIO]
TYPES = [EventType.READY, EventType.UNHEALTHY, EventType.EXITED]
MIXED = tuple(
    Event(NOW + number, NAMES[number % 3], level, TYPES[number % 3], f"event {number}", (), number + 1)
    for number, level in enumerate([Level.INFO, Level.WARNING, Level.ERROR] * 3)
)


def old_events(count: int) -> tuple[Event, ...]:
    """A long past; every hundredth is an error of the first instance."""
    return tuple(
        Event(
            NOW - count + number,
            NAMES[0] if number % 100 == 0 else NAMES[1],
            Level.ERROR if number % 100 == 0 else Level.INFO,
            EventType.EXITED if number % 100 == 0 else EventType.READY,
            f"old {number}" + (" needle" if number == 7 else ""),
            (),
            number + 1,
        )
        for number in range(count)
    )


def engine_with_past(count: int, recent: int = 10) -> StillEngine:
    """The snapshot holds the newest few of many stored events."""
    stored = old_events(count)
    engine = engine_of(snapshot(TRIO, events=stored[-recent:]))
    engine.stored = stored
    return engine


def shown(operator: Operator) -> list[str]:
    return [one.instance or "" for one in operator.events.rows]


def title(operator: Operator) -> str:
    return operator.event_pane.title()


def test_i_shows_the_events_of_the_instance_under_the_cursor_and_follows_it() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "i")
        assert shown(operator) == [NAMES[0]] * 3
        await operator.until_shown(f"Events · 3 of 9 · {NAMES[0]}")
        await operator.press("escape")
        assert shown(operator) == [one.instance for one in MIXED]
        await operator.press("i", "tab", "tab", "down")
        await operator.until(lambda: shown(operator) == [NAMES[1]] * 3)
        await operator.press("e", "i")
        assert len(shown(operator)) == 9

    drive(engine_of(snapshot(TRIO, events=MIXED)), script)


def test_i_shows_the_events_of_the_marked_instances() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("space", "down", "space", "e", "i")
        assert sorted(set(shown(operator))) == sorted(NAMES[:2])

    drive(engine_of(snapshot(TRIO, events=MIXED)), script)


def test_shift_l_goes_through_the_levels_and_new_events_are_sifted_too() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "L")
        assert len(shown(operator)) == 6
        await operator.press("L")
        assert len(shown(operator)) == 3
        more = Event(NOW + 50, NAMES[0], Level.ERROR, EventType.FAILED, "given up", (), 50)
        operator.engine.publish(snapshot(TRIO, events=(*MIXED, more), seq=2))
        await operator.until(lambda: len(operator.events.rows) == 4)
        assert operator.events.chosen() == more
        await operator.until(lambda: title(operator) == "Events · 4 of 10 · errors")
        await operator.press("L")
        await operator.until(lambda: len(shown(operator)) == 10)

    drive(engine_of(snapshot(TRIO, events=MIXED)), script)


def test_a_sieve_that_leaves_nothing_says_so_and_enter_does_nothing() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "L", "L")
        await operator.until_shown("No event passes the filter.")
        await operator.press("enter", "d", "up", "n", "escape")
        assert operator.events.chosen() is None

    drive(engine_of(snapshot(TRIO, events=EVENTS[:3])), script)


def test_shift_t_shows_one_type_and_those_that_are_here_come_first() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "T")
        await operator.until_shown("exited · 3")
        await operator.press("enter")  # the type of the event under the cursor
        assert {one.type for one in operator.events.rows} == {EventType.EXITED}
        await operator.until_shown("3 of 9 · exited")
        await operator.press("T")
        await operator.until_shown("all")
        await operator.press("a")
        assert len(operator.events.rows) == 9

    drive(engine_of(snapshot(TRIO, events=MIXED)), script)


def test_f_narrows_while_it_is_typed_enter_keeps_it_and_escape_lifts_it() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "f", *"EVENT 4".lower())
        assert [one.message for one in operator.events.rows] == ["event 4"]
        await operator.press("enter")
        assert operator.events.has_focus
        await operator.until_shown("1 of 9 · filter event 4")
        await operator.press("escape")
        assert len(operator.events.rows) == 9
        assert operator.events.has_focus
        await operator.press("f", *"event 4", "escape")
        assert len(operator.events.rows) == 9

    drive(engine_of(snapshot(TRIO, events=MIXED)), script)


def test_what_is_no_expression_is_told_and_the_last_good_filter_stays() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "f", "ctrl+r", *"t [45]")
        assert len(operator.events.rows) == 2
        await operator.press("left_parenthesis")
        await operator.until_shown("not a regular expression")
        assert len(operator.events.rows) == 2

    drive(engine_of(snapshot(TRIO, events=MIXED)), script)


def test_a_search_is_counted_and_highlighted_and_n_goes_on_and_back() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "slash", *"exited")
        assert title(operator) == "Events · exited: 3 events"
        await operator.press("enter")  # the newest event is one already
        assert operator.events.cursor == 8
        seen = []
        for key in ["N", "N", "N", "n"]:
            await operator.press(key)
            seen.append(operator.events.cursor)
        assert seen == [5, 2, 2, 5]
        style = operator.events.paper("events--hit")
        assert [one.text for one in operator.events.render_line(2) if one.style == style] == ["exited"]
        await operator.press("escape")
        assert operator.event_pane.search is None
        assert operator.events.has_focus
        await operator.press("escape")
        assert operator.table.has_focus

    drive(engine_of(snapshot(TRIO, events=MIXED)), script, size=(200, 50))


def test_enter_goes_to_the_newest_match_and_a_search_without_one_says_so() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "slash", *"event 3", "enter")
        assert operator.events.cursor == 3
        await operator.press("slash", *"nowhere", "enter")
        await operator.until(lambda: title(operator).endswith(": no match before"))
        assert operator.event_pane.search == LogPattern("nowhere")
        await operator.press("slash", "escape")
        assert operator.event_pane.search is None

    drive(engine_of(snapshot(TRIO, events=MIXED)), script)


def test_n_without_a_search_asks_for_one() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "n")
        assert operator.event_pane.is_typing

    drive(engine_of(snapshot(TRIO, events=MIXED)), script)


@pytest.mark.parametrize("keys", [["L", "L"], ["i"], ["f", *"exited", "enter"]])
def test_what_is_held_back_reaches_stored_events(keys: list[str]) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", *keys)
        await operator.until(lambda: len(operator.events.rows) == 20)
        assert title(operator).startswith("Events · 20 of 2,000")
        assert [one.ts for one in operator.events.rows] == sorted(one.ts for one in operator.events.rows)
        assert {one.level for one in operator.events.rows} == {Level.ERROR}

    drive(engine_with_past(2000), script)


def test_scrolled_to_the_top_older_events_come_and_the_cursor_stays_on_its_event() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "home")
        await operator.until(lambda: len(operator.events.rows) > 10)
        first = len(operator.events.rows)
        assert operator.events.rows[operator.events.cursor].message == "old 1990"
        await operator.press("home")
        await operator.until(lambda: len(operator.events.rows) > first)
        assert [one.id for one in operator.events.rows] == list(range(2001 - len(operator.events.rows), 2001))
        await operator.press("end")
        operator.engine.publish(snapshot(TRIO, events=old_events(2001)[-10:], seq=2))
        await operator.until(lambda: len(operator.events.rows) == 10)  # who follows again needs no past

    drive(engine_with_past(2000), script)


def test_the_wheel_at_the_top_asks_for_older_events_too() -> None:
    async def script(operator: Operator) -> None:
        await operator.pilot._post_mouse_events([MouseScrollUp], EventList, button=0)
        await operator.until(lambda: len(operator.events.rows) > 3)

    from textual.events import MouseScrollUp  # noqa: PLC0415 - only here

    drive(engine_with_past(100, recent=3), script)


def test_a_search_goes_back_into_stored_events_until_it_finds_something() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("e", "slash", *"needle", "enter")
        await operator.until(lambda: (one := operator.events.chosen()) is not None and "needle" in one.message)
        assert title(operator) == "Events · needle: 1 event"
        await operator.press("N")
        await operator.until(lambda: title(operator).endswith("no match before"))

    drive(engine_with_past(2000), script)


def test_an_event_log_that_cannot_be_read_is_said_and_what_is_known_stays() -> None:
    engine = engine_of(snapshot(TRIO, events=MIXED))
    engine.events_error = StateError("state.sqlite: is damaged")

    async def script(operator: Operator) -> None:
        await operator.press("e", "L")
        await operator.until(lambda: operator.told() == [("error", "state.sqlite: is damaged")])
        assert len(operator.events.rows) == 6
        assert "reading" not in title(operator)

    drive(engine, script)


def test_s_saves_what_is_shown_as_json_lines_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "errors.jsonl"

    async def script(operator: Operator) -> None:
        await operator.press("e", "L", "L", "S")
        await operator.until_shown("save as")
        operator.dashboard.query_one("#events-pane #prompt-line").value = str(path)  # type: ignore[attr-defined]
        await operator.press("enter")
        await operator.until(lambda: operator.told() == [("information", f"20 events: {path}")])
        assert operator.events.has_focus

    drive(engine_with_past(2000), script)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert list(rows[0]) == ["id", "ts", "instance", "level", "type", "message", "meta"]
    assert [row["id"] for row in rows] == list(range(1, 2000, 100))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_already_is_left_alone_and_another_name_may_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("mine")

    async def script(operator: Operator) -> None:
        await operator.press("e", "S")
        await operator.until_shown(".jsonl")
        line = operator.dashboard.query_one("#events-pane #prompt-line")
        proposed = line.value  # type: ignore[attr-defined]
        line.value = "taken"  # type: ignore[attr-defined]
        await operator.press("enter")
        await operator.until_shown("is there already")
        line.value = "no/such/folder"  # type: ignore[attr-defined]
        await operator.press("enter")
        await operator.until_shown("No such file or directory")
        line.value = proposed  # type: ignore[attr-defined]
        await operator.press("enter")
        await operator.until(lambda: (tmp_path / proposed).exists() and bool(operator.told()))

    drive(engine_of(snapshot(TRIO, events=MIXED)), script, size=(160, 40))
    assert (tmp_path / "taken").read_text() == "mine"


def test_escape_saves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def script(operator: Operator) -> None:
        await operator.press("e", "S", "escape")
        assert operator.events.has_focus

    drive(engine_of(snapshot(TRIO, events=MIXED)), script)
    assert not list(tmp_path.iterdir())


def test_an_event_is_told_without_what_it_does_not_hold() -> None:
    event = Event(
        NOW, "chat", Level.ERROR, EventType.EXITED, "ended", (("exit_code", 0), ("signal", None), ("hint", ""))
    )

    (section,) = event_sections(event)

    assert section.rows[-1] == ("exit code", "0")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
def test_a_narrow_pane_shows_what_is_wrong_in_the_file_not_where_it_lies(size: tuple[int, int]) -> None:
    told = "/home/ada/.config/llama-orch-tui/config.toml:4: [instances.a] ctx_sise: unknown key; did you mean ctx_size?"
    event = Event(NOW, None, Level.ERROR, EventType.FAULT, told, (), 1)

    async def script(operator: Operator) -> None:
        await operator.until_shown("config.toml:4: [instances")
        assert "/home/ada" not in operator.text()
        await operator.press("e", "d")
        await operator.until_shown("/home/ada/.config/")

    drive(engine_of(snapshot(TRIO, events=(event,))), script, size=size)


def test_a_wide_pane_tells_where_the_file_lies() -> None:
    event = Event(NOW, None, Level.ERROR, EventType.FAULT, "/a/config.toml:4: [server] x: unknown key", (), 1)

    async def script(operator: Operator) -> None:
        await operator.until_shown("/a/config.toml:4: [server] x: unknown key")

    drive(engine_of(snapshot(TRIO, events=(event,))), script, size=(200, 60))


def test_the_fault_bar_gives_up_the_folders_before_the_fix() -> None:
    told = f"/home/ada/{'very/' * 10}long/config.toml:4: [instances.a] ctx_sise: unknown key; did you mean ctx_size?"
    faults = (Fault("config", told + " or something else of that table", NOW),)

    async def script(operator: Operator) -> None:
        await operator.until_shown("▲ config.toml:4: [instances.a] ctx_sise")
        await operator.until_shown("else of that table")

    drive(engine_of(snapshot(TRIO, faults=faults)), script, size=(80, 24))


def test_a_frozen_instance_is_told_by_line_not_by_folder() -> None:
    one = replace(TRIO[0], config_error="/home/ada/.config/llama-orch-tui/config.toml:4: [instances.chat] port: wrong")

    async def script(operator: Operator) -> None:
        await operator.until_shown("configuration: config.toml:4: [instances")

    drive(engine_of(snapshot((one, *TRIO[1:]))), script, size=(120, 40))
