"""Keys of the table: moving, marking, filtering, sorting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.loads import GpuLoad, LlamaLoad
from engine.snapshots import State
from llama_orch_tui.remembered import Remembered
from llama_orch_tui.screens.table_acts import answer_keys
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import BUSY, GIB, HOST, NOW, TRIO, engine_of, instance, snapshot
from widgets.table_columns import Column, Order
from widgets.table_view import TableView

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


def test_o_orders_by_the_chosen_column_and_again_turns_it_round_and_the_cursor_stays() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("o")
        await operator.until_shown("Order by")
        await operator.press("c")
        assert operator.table.view.order == Order(Column.CPU, is_descending=True)
        await operator.press("o", "c")
        assert operator.table.view.order == Order(Column.CPU)
        assert operator.table.cursor_name == "chat"
        await operator.press("o", "f")
        assert [one.name for one in operator.table.rows] == NAMES

    drive(engine_of(snapshot()), script)


def test_every_column_has_a_key_of_its_own_among_the_orders() -> None:
    keys = answer_keys(["file", *(column.value for column in Column)])

    assert len(set(keys)) == len(keys) == len(Column) + 1
    assert not {"j", "k"} & set(keys)


def test_capital_o_turns_the_order_round() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("o", "c", "O")
        assert operator.table.view.order == Order(Column.CPU)

    drive(engine_of(snapshot()), script)


def test_a_click_on_a_title_orders_by_it() -> None:
    async def script(operator: Operator) -> None:
        x = operator.lines()[operator.line_of("restarts")].index("cpu")
        await operator.pilot.click(offset=(x, operator.line_of("restarts")))
        await operator.until(lambda: operator.table.view.order == Order(Column.CPU, is_descending=True))

    drive(engine_of(snapshot()), script)


def test_the_order_is_in_the_title_and_an_arrow_in_the_head() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("o", "c")
        await operator.until_shown("by cpu")
        assert "cpu▼" in operator.text()

    drive(engine_of(snapshot()), script, size=(80, 24))


def test_a_sorted_table_follows_the_numbers_while_cursor_and_view_stay() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("o", "c")
        assert operator.table.rows[0].name == "embed"
        busier = replace(TRIO[0], cpu_percent=900.0)
        operator.engine.publish(snapshot((busier, *TRIO[1:]), seq=2))
        await operator.until(lambda: operator.table.rows[0].name == "chat")
        assert operator.table.cursor_name == "chat"

    drive(engine_of(snapshot(TRIO)), script)


def test_capital_t_groups_by_tag_and_the_cursor_skips_the_headings() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("T")
        await operator.until_shown("rag · 0 of 1 ready")
        await operator.until_shown("by tag")
        assert operator.line_of("chat · 1 of 1") < operator.line_of("● ready") < operator.line_of("rag · 0")
        await operator.press("j", "j")
        assert operator.table.cursor_name == "code"
        await operator.press("T")
        await operator.until_gone("by tag")

    drive(engine_of(snapshot(TRIO)), script)


def test_a_click_on_a_heading_moves_nothing() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("T", "j")
        await operator.pilot.click("#table", offset=(5, 1))
        assert operator.table.cursor_name == "embed"
        await operator.pilot.click("#table", offset=(5, 2))
        assert operator.table.cursor_name == "chat"

    drive(engine_of(snapshot(TRIO)), script)


def test_capital_c_switches_columns_and_the_table_behind_follows() -> None:
    async def script(operator: Operator) -> None:
        assert "uptime" in operator.text()
        await operator.press("C")
        await operator.until_shown("● uptime")
        await operator.press("j", "j", "j", "space")
        await operator.until_shown("○ uptime")
        assert Column.UPTIME in operator.table.view.hidden
        await operator.press("escape")
        await operator.until_gone("uptime")
        await operator.press("C", "down", "down", "down", "enter", "escape")
        await operator.until_shown("uptime")

    drive(engine_of(snapshot(TRIO)), script)


def test_order_columns_and_groups_are_there_again_in_the_next_run(tmp_path: Path) -> None:
    remembered = Remembered(tmp_path / "ui.json")

    async def choose(operator: Operator) -> None:
        await operator.press("o", "c", "T", "C", "space", "escape")
        choices.append(operator.table.view)

    async def look(operator: Operator) -> None:
        assert operator.table.view == choices[0] != TableView()

    choices: list[TableView] = []
    drive(engine_of(snapshot(TRIO)), choose, remembered=remembered)
    remembered.close()
    drive(engine_of(snapshot(TRIO)), look, remembered=Remembered(tmp_path / "ui.json"))


WORK = LlamaLoad(120.0, 41.5, 4, 4, 3, 1024, 2048)


def test_live_numbers_have_columns_and_a_line_of_their_own_and_a_sum_above() -> None:
    async def script(operator: Operator) -> None:
        assert "tok/s" not in operator.text()
        working = (replace(TRIO[0], load=WORK), replace(TRIO[1], load=replace(WORK, tokens_per_s=8.5)), TRIO[2])
        operator.engine.publish(snapshot(working, seq=2))
        await operator.until_shown("4/4+3")
        await operator.until_shown("50%")
        await operator.until_shown("ctx 50% of 2048")
        assert "50 tok/s" in operator.lines()[0]
        head, row = (operator.lines()[operator.line_of(text)] for text in ("restarts", "code"))
        assert row[head.index("tok/s") : head.index("tok/s") + 5].strip() == "–"

    drive(engine_of(snapshot(TRIO)), script)


def test_columns_of_live_numbers_stay_when_the_numbers_go() -> None:
    async def script(operator: Operator) -> None:
        await operator.until_shown("slots")
        operator.engine.publish(snapshot(TRIO, seq=2))
        await operator.until_gone("4/4+3")
        assert "slots" in operator.text()

    drive(engine_of(snapshot((replace(TRIO[0], load=WORK), *TRIO[1:]))), script)


def test_gpus_are_summed_in_the_top_bar() -> None:
    gpus = (GpuLoad(0, "H200", 12 * GIB, 140 * GIB, 40.0), GpuLoad(1, "H200", 8 * GIB, 140 * GIB, 90.0))

    async def script(operator: Operator) -> None:
        assert "2 gpus  90% 20G/280G" in operator.lines()[0]

    drive(engine_of(replace(snapshot(TRIO), host=replace(HOST, gpus=gpus))), script, size=(160, 40))


def test_the_console_says_that_somebody_looks() -> None:
    async def script(operator: Operator) -> None:
        assert operator.engine.is_looked_at

    drive(engine_of(snapshot(TRIO)), script)


def test_a_click_selects_and_a_double_click_describes() -> None:
    async def script(operator: Operator) -> None:
        await operator.pilot.click("#table", offset=(5, 2))
        assert operator.table.cursor_name == "embed"
        await operator.pilot.click("#table", offset=(5, 1), times=2)
        await operator.until_shown("[1 Overview]")
        assert "─ chat ─" in operator.text()

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
        assert " 4s " in operator.text()
        now[0] += 3
        operator.table.tick()
        await operator.until_shown(" 7s ")

    drive(engine_of(snapshot(TRIO)), script, clock=lambda: now[0])


def test_names_wider_than_their_column_end_in_an_ellipsis() -> None:
    async def script(operator: Operator) -> None:
        line = operator.lines()[operator.line_of("embeddings")]
        assert "… ● ready" in line

    drive(engine_of(snapshot()), script, size=(80, 24))
