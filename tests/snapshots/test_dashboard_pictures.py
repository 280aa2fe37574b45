"""Pictures of the console, compared with those that a person has looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

import pytest
from textual.pilot import Pilot

from engine.loads import GpuLoad, LlamaLoad
from engine.log_asking import LogPattern, LogSearch, Seek
from engine.snapshots import Fault
from llama_orch_tui.app import ConsoleApp
from llama_orch_tui.exit_choice import ExitChoice
from tests.fakes.console import Operator
from tests.fakes.scenes import (
    BUSY,
    CONFIG,
    DESCRIPTION,
    EVENTS,
    GIB,
    HOST,
    NOW,
    TRIO,
    engine_of,
    first_run,
    snapshot,
)
from tests.fakes.still_engine import StillEngine
from themes import CONTRAST, LIGHT

SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 60)
SIZES = [pytest.param(SMALL, id="80x24"), pytest.param(MIDDLE, id="120x40")]
FAULT = Fault("state", "state.sqlite: disk is full; events stay in memory until there is room on /home", NOW)
SECOND_FAULT = Fault("config", f"{CONFIG}: line 41: ctx_sise: unknown key; did you mean ctx_size?", NOW)
BROKEN = Fault("config", f"{CONFIG}: line 3: [instances.qwen] port: expected a number, found 'eighty'", NOW)


class Compare(Protocol):
    """The plugin's fixture."""

    def __call__(
        self,
        app: ConsoleApp,
        *,
        terminal_size: tuple[int, int],
        run_before: Callable[[Pilot[ExitChoice]], Awaitable[None]],
    ) -> bool:
        """True when the picture is the stored one."""
        ...


def is_as_stored(
    compare: Compare,
    engine: StillEngine,
    size: tuple[int, int],
    *keys: str,
    until: str,
    theme: str | None = None,
) -> bool:
    """Press `keys`, wait until `until` is on the screen, compare."""
    app = ConsoleApp(engine, clock=lambda: NOW, theme=theme)

    async def prepare(pilot: Pilot[ExitChoice]) -> None:
        operator = Operator(app, pilot, engine)
        await operator.until_shown("cpu")
        for key in keys:
            await operator.press(key)
        await operator.until_shown(until)
        await pilot.pause()

    return compare(app, terminal_size=size, run_before=prepare)


def working_engine() -> StillEngine:
    """Servers at work, on a machine with a GPU."""
    gpu = GpuLoad(0, "NVIDIA H200", 38 * GIB, 140 * GIB, 64.0)
    work = (
        LlamaLoad(2210.0, 41.5, 4, 4, 3, 7782, 8192),
        LlamaLoad(0.0, 0.0, 0, 2, 0, 120, 8192),
        LlamaLoad(total_slots=1, is_asleep=True),
    )
    busy = [replace(one, load=load, gpu_memory_bytes=9 * GIB) for one, load in zip(BUSY[:3], work, strict=True)]
    return engine_of(replace(snapshot((*busy, *BUSY[3:])), host=replace(HOST, gpus=(gpu,))))


@pytest.mark.parametrize("size", SIZES)
def test_first_run(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert is_as_stored(snap_compare, engine_of(first_run()), size, until="Welcome")


@pytest.mark.parametrize("size", SIZES)
def test_broken_file(snap_compare: Compare, size: tuple[int, int]) -> None:
    engine = engine_of(snapshot((), faults=(BROKEN,)))

    assert is_as_stored(snap_compare, engine, size, until="expected a number")


@pytest.mark.parametrize("size", SIZES)
def test_three_instances(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert is_as_stored(snap_compare, engine_of(snapshot(TRIO, events=EVENTS[:4])), size, until="Log · chat")


@pytest.mark.parametrize("size", [*SIZES, pytest.param(LARGE, id="200x60")])
def test_busy_dashboard(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert is_as_stored(snap_compare, engine_of(snapshot(follows=True)), size, until="Log · chat")


@pytest.mark.parametrize("size", SIZES)
def test_marked_and_sorted(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ["space", "j", "space", "o", "s"]

    assert is_as_stored(snap_compare, engine_of(snapshot()), size, *keys, until="Log · embed")


@pytest.mark.parametrize("size", SIZES)
def test_working_and_grouped(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert is_as_stored(snap_compare, working_engine(), size, "T", "j", until="4/4+3")


@pytest.mark.parametrize("size", SIZES)
def test_order_question(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert is_as_stored(snap_compare, working_engine(), size, "o", until="Order by")


@pytest.mark.parametrize("size", SIZES)
def test_columns(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert is_as_stored(snap_compare, working_engine(), size, "C", "space", until="○ health")


@pytest.mark.parametrize("size", SIZES)
def test_empty_filter(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert is_as_stored(snap_compare, engine_of(snapshot()), size, "slash", "z", "z", until="Nothing matches zz")


@pytest.mark.parametrize("size", SIZES)
def test_quit_question(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert is_as_stored(snap_compare, engine_of(snapshot(TRIO)), size, "q", until="Leave the console?")


@pytest.mark.parametrize("size", SIZES)
def test_describe(snap_compare: Compare, size: tuple[int, int]) -> None:
    engine = engine_of(snapshot(TRIO))
    engine.descriptions["chat"] = DESCRIPTION

    assert is_as_stored(snap_compare, engine, size, "d", until="keeper 5100")


@pytest.mark.parametrize("size", SIZES)
def test_help(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert is_as_stored(snap_compare, engine_of(snapshot(TRIO)), size, "question_mark", until="start the chosen")


@pytest.mark.parametrize("size", SIZES)
def test_event_whole(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ["e", "up", "up", "up", "d"]

    assert is_as_stored(snap_compare, engine_of(snapshot(BUSY)), size, *keys, until="out-of-memory")


@pytest.mark.parametrize("size", SIZES)
def test_faults(snap_compare: Compare, size: tuple[int, int]) -> None:
    engine = engine_of(snapshot(TRIO, faults=(FAULT, SECOND_FAULT)))

    assert is_as_stored(snap_compare, engine, size, until="(+1 more)")


@pytest.mark.parametrize("size", SIZES)
def test_log_over_the_whole_screen(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert is_as_stored(snap_compare, engine_of(snapshot(TRIO)), size, "l", "z", "up", until="paused")


@pytest.mark.parametrize("size", SIZES)
def test_log_searched(snap_compare: Compare, size: tuple[int, int]) -> None:
    engine = engine_of(snapshot(TRIO))
    search = LogSearch(LogPattern("load"), 2, 1.0, Seek.FOUND)
    engine.logs["chat"] = replace(engine.logs["chat"], search=search, current=2, at_end=False, new_lines=7)

    assert is_as_stored(snap_compare, engine, size, "l", "z", "slash", *"load", until="load")


@pytest.mark.parametrize("size", SIZES)
def test_log_filtered_by_what_is_no_expression(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ["l", "L", "f", "ctrl+r", "left_parenthesis"]

    assert is_as_stored(snap_compare, engine_of(snapshot(TRIO)), size, *keys, until="not a regular")


@pytest.mark.parametrize("theme", [None, LIGHT.name, CONTRAST.name])
def test_merged_and_wrapped_log(snap_compare: Compare, theme: str | None) -> None:
    engine = engine_of(snapshot(TRIO))

    assert is_as_stored(snap_compare, engine, SMALL, "m", "z", "w", until="wrap", theme=theme)


@pytest.mark.parametrize("theme", [LIGHT.name, CONTRAST.name])
def test_themes(snap_compare: Compare, theme: str) -> None:
    assert is_as_stored(snap_compare, engine_of(snapshot()), MIDDLE, until="Log · chat", theme=theme)
