"""What goes to the terminal around the screen: title, bell, desktop message; and that nothing hostile goes with it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from engine.habits import Notify
from engine.snapshots import Snapshot, State
from llama_orch_tui.outside import BELL, MESSAGE_CELLS, POP_TITLE, PUSH_TITLE, Outside, describe_title, desktop_message
from tests.fakes.scenes import instance

XTERM = {"TERM": "xterm-256color"}


def snapshot(*states: State, notify: Notify = Notify.OFF, has_title: bool = True) -> Snapshot:
    shown = tuple(instance(f"i{number}", state, why="it broke") for number, state in enumerate(states))
    return Snapshot(seq=1, instances=shown, notify=notify, has_title=has_title)


def begin(environ: Mapping[str, str] = XTERM) -> tuple[Outside, list[str]]:
    written: list[str] = []
    outside = Outside(written.append, environ, lambda: 100.0)
    outside.begin()
    return outside, written


def test_the_title_is_pushed_kept_up_to_date_and_popped() -> None:
    outside, written = begin()
    outside.show(snapshot(State.READY, State.FAILED))
    outside.show(snapshot(State.READY, State.FAILED))
    outside.show(snapshot(State.READY, State.READY))
    outside.end()
    outside.end()
    assert written == [
        PUSH_TITLE,
        f"\x1b]2;lorch: 1/2 ready, 1 failed{BELL}",
        f"\x1b]2;lorch: 2/2 ready{BELL}",
        POP_TITLE,
    ]


def test_a_suspension_gives_the_title_back_and_takes_it_again() -> None:
    outside, written = begin()
    outside.show(snapshot(State.READY))
    outside.end()
    outside.show(snapshot(State.FAILED, notify=Notify.BOTH))
    outside.beat()
    assert written[-1] == POP_TITLE
    outside.begin()
    assert written[-2:] == [PUSH_TITLE, f"\x1b]2;lorch: 0/1 ready, 1 failed{BELL}"]


def test_the_configuration_turns_the_title_off_and_on() -> None:
    outside, written = begin()
    outside.show(snapshot(State.READY, has_title=False))
    assert written == []
    outside.show(snapshot(State.READY))
    outside.show(snapshot(State.READY, has_title=False))
    assert written[-1] == POP_TITLE


@pytest.mark.parametrize("term", ["linux", "dumb", ""])
def test_a_terminal_without_a_title_gets_none(term: str) -> None:
    outside, written = begin({"TERM": term})
    outside.show(snapshot(State.READY))
    outside.end()
    assert written == []


@pytest.mark.parametrize(
    ("notify", "expected"),
    [
        (Notify.OFF, []),
        (Notify.BELL, [BELL]),
        (Notify.DESKTOP, [f"\x1b]9;lorch: i0 failed: it broke{BELL}"]),
        (Notify.BOTH, [f"\x1b]9;lorch: i0 failed: it broke{BELL}", BELL]),
    ],
)
def test_trouble_calls_as_the_configuration_says(notify: Notify, expected: list[str]) -> None:
    outside, written = begin()
    outside.show(snapshot(State.READY, notify=notify, has_title=False))
    outside.beat()
    assert written == []
    outside.show(snapshot(State.FAILED, notify=notify, has_title=False))
    outside.beat()
    outside.beat()
    assert written == expected


def test_in_tmux_the_message_goes_through_to_the_terminal_outside() -> None:
    assert desktop_message("a failed", is_in_tmux=True) == f"\x1bPtmux;\x1b\x1b]9;lorch: a failed{BELL}\x1b\\"


@pytest.mark.parametrize("is_in_tmux", [False, True])
def test_no_text_gets_out_of_its_message(*, is_in_tmux: bool) -> None:
    hostile = "a\x07b\x1b]52;c;ZXZpbA==\x07c\x9cd\x1b\\e\nf\u202eg " + "x" * 1000
    told = desktop_message(hostile, is_in_tmux=is_in_tmux)
    head, tail = ("\x1bPtmux;\x1b\x1b]9;", "\x07\x1b\\") if is_in_tmux else ("\x1b]9;", "\x07")
    inside = told.removeprefix(head).removesuffix(tail)
    assert inside.isprintable()
    assert len(inside) <= len("lorch: ") + MESSAGE_CELLS


def test_titles() -> None:
    assert describe_title(snapshot()) == "lorch"
    states = (State.READY, State.UNHEALTHY, State.FAILED, State.FAILED, State.STOPPED)
    assert describe_title(snapshot(*states)) == "lorch: 1/5 ready, 2 failed, 1 unhealthy"
