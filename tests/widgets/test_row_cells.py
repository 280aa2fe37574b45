from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from engine.snapshots import Health, Level, State
from tests.fakes.scenes import NOW, instance
from widgets.looks import INKS, level_look, state_look
from widgets.row_cells import Cell, RowContext, age_text, row_cell, strip_cells, why_text
from widgets.table_columns import Column

CALM = RowContext(NOW, 0.0)


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_a_word_and_a_glyph_of_its_own(state: State) -> None:
    cell = row_cell(Column.STATE, instance("a", state), CALM)
    others = {state_look(one).glyph for one in State if one is not state}

    assert cell.text == f"{state_look(state).glyph} {state.value}"
    assert cell_len(state_look(state).glyph) == 1
    assert state_look(state).glyph not in others
    assert cell.ink in INKS


def test_every_level_has_a_glyph_of_its_own() -> None:
    assert len({level_look(level).glyph for level in Level}) == len(Level)


def test_an_act_on_its_way_is_shown_instead_of_the_state() -> None:
    cell = row_cell(Column.STATE, instance("a", State.STOPPED), RowContext(NOW, 0.0, "starting…"))

    assert cell.text.endswith("starting…")
    assert "stopped" not in cell.text


def test_the_strip_of_checks_shows_the_newest_in_their_colours_and_bad_ones_by_another_sign() -> None:
    strip = (Health.UNHEALTHY,) + (Health.HEALTHY,) * 9 + (Health.LOADING, Health.UNHEALTHY)
    one = replace(instance("a", State.READY), health_strip=strip)

    assert strip_cells(one, 4) == (Cell("●●", "ink--good"), Cell("◑", "ink--busy"), Cell("▲", "ink--warn"))
    assert row_cell(Column.HEALTH, one, CALM).text == "●●●●●●●●◑▲"
    assert row_cell(Column.HEALTH, instance("b", State.READY), CALM).text == "–"


def test_an_age_grows_between_snapshots() -> None:
    one = instance("a", State.READY, uptime_s=10)

    assert age_text(one, RowContext(NOW + 5, 5.0)) == "15s"


def test_a_backoff_says_when_the_next_try_is_due() -> None:
    one = instance("a", State.BACKOFF, retry_in=12)

    assert age_text(one, RowContext(NOW + 2, 2.0)) == "in 10s"
    assert age_text(one, RowContext(NOW + 60, 60.0)) == "in 0s"


def test_a_broken_table_in_the_file_is_the_first_reason() -> None:
    one = instance("a", State.READY, why="serving", config_error="line 3: bad")

    assert why_text(one) == "configuration: line 3: bad"


def test_a_change_that_waits_for_a_restart_is_said() -> None:
    assert "restart" in why_text(instance("a", State.READY, why="serving", needs_restart=True))
    assert "restart" in why_text(instance("a", State.READY, needs_restart=True))


def test_the_last_error_stands_in_for_a_missing_reason() -> None:
    assert why_text(replace(instance("a", State.STOPPED), last_error="model\x1b[31m gone")) == "model gone"


@pytest.mark.parametrize("column", list(Column))
def test_a_bare_instance_fills_every_cell(column: Column) -> None:
    cell = row_cell(column, instance("a", State.STOPPED), CALM)

    assert cell.text or column in {Column.MODEL, Column.WHY}
