"""The top bar: totals of the live numbers, and what goes first where there is little room."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from textual.app import App, ComposeResult

from engine.loads import GpuLoad, LlamaLoad
from engine.snapshots import InstanceSnapshot, Snapshot, State
from tests.fakes.scenes import BUSY, GIB, HOST, TRIO, snapshot
from widgets.top_bar import TopBar

WORK = (
    replace(TRIO[0], load=LlamaLoad(120.0, 41.5, 3, 4, 0, 10, 100)),
    replace(TRIO[1], load=LlamaLoad(0.0, 8.5, 2, 2, 3, 10, 100)),
    replace(TRIO[2], load=LlamaLoad(total_slots=1, is_asleep=True)),
)
GPU = GpuLoad(0, "H200", 12 * GIB, 140 * GIB, 40.0)
CURVE = tuple(float(one) for one in range(40))


def drawn(shown: Snapshot, width: int, totals: tuple[float, ...] = (), *, is_demo: bool = False) -> str:
    """The bar on a screen of this width."""

    class Alone(App[None]):
        def compose(self) -> ComposeResult:
            yield TopBar(is_demo=is_demo)

    async def draw() -> str:
        app = Alone()
        async with app.run_test(size=(width, 3)) as pilot:
            bar = app.query_one(TopBar)
            bar.show(shown, totals)
            await pilot.pause()
            return bar.render_line(0).text

    return asyncio.run(draw())


def test_rates_and_slots_of_all_instances_are_summed_beside_a_curve() -> None:
    text = drawn(snapshot(WORK), 160, CURVE)

    assert "█   50 tok/s  5/7+3 slots  leading" in text


def test_without_live_numbers_nothing_is_summed() -> None:
    text = drawn(snapshot(TRIO), 160)

    assert "tok/s" not in text
    assert "slots" not in text


def test_the_place_of_the_curve_is_kept_while_nothing_is_made() -> None:
    idle = (replace(TRIO[0], load=LlamaLoad(0.0, 0.0, 0, 4)),)
    before, behind = drawn(snapshot(idle), 160, (0.0,) * 9), drawn(snapshot(idle), 160, (0.0, 5.0, 0.0))

    assert before.index("0 tok/s") == behind.index("0 tok/s")
    assert "0/4 slots" in before


def test_what_matters_less_goes_first() -> None:
    shown = replace(snapshot(WORK), host=replace(HOST, gpus=(GPU,)))
    words = {
        "curve": "█",
        "gpus": "GPU",
        "memory": "mem",
        "slots": "slots",
        "rate": "tok/s",
        "load": "CPU",
        "leader": "leading",
    }
    gone = []
    for width in range(171, 14, -3):
        text = drawn(shown, width, CURVE)
        gone += [name for name, word in words.items() if word not in text and name not in gone]

    assert gone == list(words)


def test_a_follower_on_a_narrow_screen_sees_how_busy_the_machine_is() -> None:
    shown = snapshot(TRIO, follows=True)

    assert "following PID 123 (daemon)  CPU" in drawn(shown, 120)
    assert "following a daemon  CPU  37%" in drawn(shown, 80)


KNOWN = {"lorch", "llama-orch-tui", "demo", "leading", "CPU", "mem", "GPU", "tok/s", "slots", "busy"}
KNOWN |= {state.value for state in State}


@pytest.mark.parametrize("instances", [WORK, BUSY, (*WORK, *BUSY[3:])], ids=["work", "busy", "both"])
@pytest.mark.parametrize("width", range(16, 180, 9))
def test_no_word_is_ever_cut(width: int, instances: tuple[InstanceSnapshot, ...]) -> None:
    shown = replace(snapshot(instances), host=replace(HOST, gpus=(GPU,)))

    text = drawn(shown, width, CURVE, is_demo=True)

    assert len(text) == width - 2
    assert {word for word in text.split() if word[0].isalpha()} <= KNOWN
