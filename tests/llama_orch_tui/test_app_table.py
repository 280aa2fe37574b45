"""Keys of the table: moving, marking, filtering, sorting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.snapshots import State
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import BUSY, NOW, TRIO, engine_of, instance, snapshot
from widgets.table_order import SortKey

NAMES = [one.name for one in BUSY]


def test_at_start_the_table_is_on_top_with_the_focus_in_the_files_order_on_the_first_row() -> None:
    async def script(operator: Operator) -> None:
        assert operator.dashboard.focused is operator.table
        assert [one.name for one in operator.table.rows] == NAMES
        assert operator.table.cursor_name == NAMES[0]
        assert operator.line_of("Instances") < operator.line_of("Events")

    drive(engine_of(snapshot()), script)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
def test_nothing_above_the_table_names_an_instance(size: tuple[int, int]) -> None:
    async def script(operator: Operator) -> None:
        above = "\n".join(operator.lines()[: operator.line_of("restarts")])
        assert not [name for name in NAMES if name in above]

    drive(engine_of(snapshot()), script, size=size)


def test_the_row_under_the_cursor_changes_colour_over_its_whole_width() -> None:
    async def script(operator: Operator) -> None:
        def grounds(row: int) -> set[object]:
            strip = operator.table.render_line(row + 1)
            return {segment.style.bgcolor if segment.style else None for segment in strip}

        assert len(grounds(0)) == 1
        assert grounds(0) != grounds(1)
        assert operator.table.render_line(1).cell_length == operator.table.size.width
        await operator.press("down")
        assert grounds(0) != grounds(1)

    drive(engine_of(snapshot()), script)


@pytest.mark.parametrize(
    ("keys", "index"),
    [
        (["down"], 1),
        (["j", "j"], 2),
        (["j", "j", "k"], 1),
        (["down", "up"], 0),
        (["end"], 12),
        (["G"], 12),
        (["G", "g"], 0),
        (["end", "home"], 0),
        (["G", "pageup", "pageup"], 0),
        (["up"], 0),
    ],
)
def test_keys_move_the_cursor(keys: list[str], index: int) -> None:
    async def script(operator: Operator) -> None:
        await operator.press(*keys)
        assert operator.table.cursor_name == NAMES[index]

    drive(engine_of(snapshot()), script)


def test_a_page_moves_further_than_a_row_and_the_cursor_stays_in_sight() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("pagedown", "pagedown")
        assert operator.table.cursor_name == NAMES[-1]
        assert NAMES[-1] in operator.text()

    drive(engine_of(snapshot()), script, size=(80, 24))


def test_the_cursor_stays_on_its_instance_while_rows_come_go_and_change_places() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("down", "down")
        assert operator.table.cursor_name == "code"
        operator.engine.publish(snapshot((TRIO[2], instance("new", State.READY), TRIO[0], TRIO[1]), seq=2))
        await operator.until_shown("new")
        assert operator.table.cursor_name == "code"
        operator.engine.publish(snapshot((TRIO[0], TRIO[1]), seq=3))
        await operator.until_gone("new")
        assert operator.table.cursor_name in {"chat", "embed"}

    drive(engine_of(snapshot(TRIO)), script)


def test_space_marks_and_unmarks_the_row() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("space", "down", "space")
        assert operator.table.marks == {"chat", "embed"}
        await operator.until_shown("2 marked")
        await operator.press("space")
        assert operator.table.marks == {"chat"}

    drive(engine_of(snapshot(TRIO)), script)


def test_a_marks_all_and_none_and_escape_lifts_the_marks() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("a")
        assert operator.table.marks == {"chat", "embed", "code"}
        await operator.press("a")
        assert operator.table.marks == frozenset()
        await operator.press("space", "escape")
        assert operator.table.marks == frozenset()

    drive(engine_of(snapshot(TRIO)), script)


def test_a_marks_only_what_the_filter_shows() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("slash", "r", "a", "g", "enter", "a")
        assert operator.table.marks == {"embed"}

    drive(engine_of(snapshot(TRIO)), script)


def test_marks_of_instances_that_are_gone_are_forgotten() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("a")
        operator.engine.publish(snapshot(TRIO[:1], seq=2))
        await operator.until(lambda: operator.table.marks == {"chat"})

    drive(engine_of(snapshot(TRIO)), script)


def test_slash_filters_as_it_is_typed_and_escape_shows_all_again() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("slash", "e", "m", "b")
        assert [one.name for one in operator.table.rows] == ["embed"]
        await operator.until_shown("1 of 3")
        await operator.press("escape")
        assert len(operator.table.rows) == 3
        assert operator.dashboard.focused is operator.table

    drive(engine_of(snapshot(TRIO)), script)


def test_letters_typed_into_the_filter_are_no_keys() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("slash", "s", "x", "q", "space", "r")
        assert operator.engine.submitted == []
        assert operator.table.filter_text == "sxq r"
        assert operator.table.marks == frozenset()

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize("key", ["enter", "down", "up"])
def test_enter_and_arrows_keep_the_filter_and_lead_back_to_the_table(key: str) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("slash", "c", "h", "a", key)
        assert operator.dashboard.focused is operator.table
        assert [one.name for one in operator.table.rows] == ["chat"]
        await operator.press("escape")
        assert len(operator.table.rows) == 3

    drive(engine_of(snapshot(TRIO)), script)


def test_an_empty_filter_closes_with_enter() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("slash", "enter")
        assert "filter by name" not in operator.text()

    drive(engine_of(snapshot(TRIO)), script)


def test_a_filter_without_a_match_says_so_and_acts_do_nothing() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("slash", "z", "z", "enter")
        await operator.until_shown("Nothing matches zz")
        await operator.press("s", "x", "r", "d", "y", "space", "down", "a")
        assert operator.engine.submitted == []
        assert operator.table.cursor_name is None

    drive(engine_of(snapshot(TRIO)), script)


def test_o_cycles_through_the_orders_and_the_cursor_stays() -> None:
    async def script(operator: Operator) -> None:
        for key in [*list(SortKey)[1:], SortKey.FILE]:
            await operator.press("o")
            assert operator.table.sort is key
            assert operator.table.cursor_name == "chat"
        assert [one.name for one in operator.table.rows] == NAMES

    drive(engine_of(snapshot()), script)


def test_the_order_is_in_the_title_and_an_arrow_in_the_head() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("o", "o", "o")
        await operator.until_shown("by cpu")
        assert "cpu▼" in operator.text()

    drive(engine_of(snapshot()), script, size=(80, 24))


def test_a_sorted_table_follows_the_numbers() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("o", "o", "o")
        assert operator.table.rows[0].name == "embed"
        busier = replace(TRIO[0], cpu_percent=900.0)
        operator.engine.publish(snapshot((busier, *TRIO[1:]), seq=2))
        await operator.until(lambda: operator.table.rows[0].name == "chat")

    drive(engine_of(snapshot(TRIO)), script)


def test_a_click_selects_and_a_double_click_describes() -> None:
    async def script(operator: Operator) -> None:
        await operator.pilot.click("#table", offset=(5, 2))
        assert operator.table.cursor_name == "embed"
        await operator.pilot.click("#table", offset=(5, 1), times=2)
        await operator.until_shown("llama-server --alias chat")

    drive(engine_of(snapshot(TRIO)), script)


def test_the_reason_of_the_row_under_the_cursor_is_told_in_full_at_80_columns() -> None:
    async def script(operator: Operator) -> None:
        assert "chat: serving for 12 min" in operator.text()
        await operator.press("down")
        await operator.until_shown("embed: loading the model, 4 s so far")

    drive(engine_of(snapshot(TRIO)), script, size=(80, 24))


def test_ages_grow_between_snapshots() -> None:
    now = [NOW]

    async def script(operator: Operator) -> None:
        assert "12m 44s" in operator.text()
        now[0] += 3
        operator.table.tick()
        await operator.until_shown("12m 47s")

    drive(engine_of(snapshot(TRIO)), script, clock=lambda: now[0])


def test_names_wider_than_their_column_end_in_an_ellipsis() -> None:
    async def script(operator: Operator) -> None:
        line = operator.lines()[operator.line_of("embeddings")]
        assert "… ● ready" in line

    drive(engine_of(snapshot()), script, size=(80, 24))
