"""Remove and undo, and the operator's own editor: every answer, and every refusal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.editing import FilePlace
from engine.errors import EngineError
from engine.snapshots import Act, State, Target
from llama_orch_tui import text_editor
from llama_orch_tui.app import ConsoleApp
from llama_orch_tui.text_editor import build_editor_argv, find_editor, run_editor
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import TRIO, engine_of, first_run, instance, snapshot
from tests.fakes.still_editor import FILE
from tests.fakes.still_engine import StillEngine
from widgets.welcome import EXAMPLE

IDLE = instance("idle", State.STOPPED)


def idle() -> StillEngine:
    return engine_of(snapshot((IDLE, *TRIO)))


async def remove(operator: Operator, label: str) -> None:
    await operator.press("delete")
    await operator.until_shown(label)
    await operator.press("r")


def test_remove_asks_removes_and_can_be_undone() -> None:
    async def script(operator: Operator) -> None:
        done = operator.engine.editor.done
        await operator.press("delete")
        await operator.until_shown("Remove idle?")
        await operator.until_shown("It does not run.")
        await operator.press("enter")  # gives the answer that changes nothing
        assert done == []
        await remove(operator, "Remove idle?")
        await operator.until(lambda: done == [("remove", "idle")], "it is removed")
        told = f"idle: removed from {FILE}; its logs and events stay. ^u puts it back."
        await operator.until(lambda: ("information", told) in operator.told(), "the way back is told")
        operator.engine.publish(snapshot(TRIO))
        await operator.until(lambda: operator.table.cursor_name == "chat", "the row is gone")
        await operator.press("ctrl+u")
        await operator.until(lambda: done[-1] == ("restore", "idle"), "it is put back")
        operator.engine.publish(snapshot((IDLE, *TRIO)))
        await operator.until(lambda: operator.table.cursor_name == "idle", "the cursor is on it")
        await operator.press("ctrl+u")
        assert operator.told()[-1] == ("warning", "Nothing was removed that could be put back.")

    drive(idle(), script)


def test_a_running_one_is_stopped_first() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("delete")
        await operator.until_shown("It runs (PID 5101, ready).")
        await operator.until_shown("Stop chat, then remove it")
        await operator.press("r")
        [request] = operator.engine.submitted
        assert (request.act, request.target) == (Act.STOP, Target(("chat",)))
        assert operator.engine.editor.done == []
        request.complete(changed=("chat",))
        await operator.until(lambda: operator.engine.editor.done == [("remove", "chat")], "it is removed")

    drive(engine_of(snapshot(TRIO)), script)


def test_one_that_does_not_stop_stays() -> None:
    async def script(operator: Operator) -> None:
        await remove(operator, "Stop chat")
        operator.engine.submitted[0].complete(31, "chat: does not end")
        await operator.until_shown("chat: not removed: chat: does not end")
        assert operator.engine.editor.done == []

    drive(engine_of(snapshot(TRIO)), script)


def test_one_that_waits_for_its_next_try_is_wanted_running() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("delete")
        await operator.until_shown("It is wanted running (backoff).")

    drive(engine_of(snapshot((instance("a", State.BACKOFF),))), script)


def test_one_that_others_need_stays() -> None:
    engine = idle()
    engine.editor.users = ("depends_on of chat", "profile evening")

    async def script(operator: Operator) -> None:
        await operator.press("delete")
        told = "idle: depends_on of chat and profile evening would miss it; take it out there first."
        await operator.until(lambda: ("error", told) in operator.told(), "the users are named")
        assert operator.app.screen is operator.dashboard

    drive(engine, script)


def test_an_undo_that_is_refused_can_be_tried_again() -> None:
    async def script(operator: Operator) -> None:
        await remove(operator, "Remove idle?")
        await operator.until(lambda: bool(operator.engine.editor.done), "it is removed")
        operator.engine.editor.error = "idle: there is idle in config.toml again; remove that one first"
        await operator.press("ctrl+u")
        await operator.until(lambda: ("error", operator.engine.editor.error) in operator.told(), "the reason is told")
        operator.engine.editor.error = ""
        await operator.press("ctrl+u")
        await operator.until(lambda: operator.engine.editor.done[-1] == ("restore", "idle"), "it is put back")

    drive(idle(), script)


def test_the_last_one_can_be_put_back_from_the_welcome() -> None:
    async def script(operator: Operator) -> None:
        await remove(operator, "Remove idle?")
        await operator.until(lambda: bool(operator.engine.editor.done), "it is removed")
        operator.engine.publish(snapshot(()))
        await operator.until_shown("holds no instances yet")
        await operator.until_shown("Undo")
        await operator.press("ctrl+u")
        await operator.until(lambda: operator.engine.editor.done[-1] == ("restore", "idle"), "it is put back")

    drive(engine_of(snapshot((IDLE,))), script)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Lends a terminal that is none; every editor that was run."""
    made: list[list[str]] = []

    @contextmanager
    def lend(_: ConsoleApp) -> Iterator[None]:
        yield

    def run(argv: list[str]) -> str:
        made.append(argv)
        return ""

    monkeypatch.setattr(ConsoleApp, "suspend", lend)
    monkeypatch.setattr(text_editor, "run_editor", run)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "vi -n")
    monkeypatch.setattr(text_editor.find_editor, "__defaults__", (lambda program: program,))
    return made


def test_e_opens_the_editor_at_the_instance_and_says_that_all_is_right(runs: list[list[str]]) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("E")
        told = ("information", f"{FILE} is right; what changed in it is taken up.")
        await operator.until(lambda: told in operator.told(), "the outcome")
        assert runs == [["vi", "-n", "+7", FILE]]

    drive(idle(), script)


def test_what_is_wrong_afterwards_is_said(runs: list[list[str]]) -> None:
    engine = idle()
    engine.editor.problems = tuple(f"config.toml:{line}: [instances.a] port: bad" for line in range(1, 7))

    async def script(operator: Operator) -> None:
        await operator.press("E")
        await operator.until(lambda: any("config.toml:4:" in text for _, text in operator.told()), "the faults")
        [(severity, text)] = operator.told()
        assert (severity, text.splitlines()[-1]) == ("error", "and 2 more")

    drive(engine, script)
    assert len(runs) == 1


def test_a_missing_file_is_made_with_the_example(runs: list[list[str]]) -> None:
    engine = engine_of(first_run())
    engine.editor.place = FilePlace(FILE, exists=False)

    async def script(operator: Operator) -> None:
        await operator.press("E")
        await operator.until_shown("There is no file yet")
        await operator.press("c")
        assert (engine.editor.done, runs) == ([], [])
        await operator.press("E")
        await operator.until_shown("There is no file yet")
        await operator.press("m")
        await operator.until(lambda: runs == [["vi", "-n", FILE]], "the editor runs")
        assert engine.editor.done == [("create", EXAMPLE)]

    drive(engine, script)


def test_a_missing_editor_is_said(runs: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_editor.find_editor, "__defaults__", (lambda _: None,))

    async def script(operator: Operator) -> None:
        await operator.press("E")
        await operator.until_shown("EDITOR names vi, which is not there; set another")

    drive(idle(), script)
    assert runs == []


def test_a_terminal_that_cannot_be_lent_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_editor.find_editor, "__defaults__", (lambda program: program,))

    async def script(operator: Operator) -> None:
        await operator.press("E")
        await operator.until_shown("cannot be lent to an editor")

    drive(idle(), script)


def everything(program: str) -> str | None:
    return program


def test_which_editor_it_is() -> None:
    assert find_editor({"VISUAL": "code -n", "EDITOR": "vi"}, "linux", everything) == ("code", "-n")
    assert find_editor({"EDITOR": "'/opt/my editor' -x"}, "linux", everything) == ("/opt/my editor", "-x")
    windows = find_editor({"EDITOR": '"C:\\My Tools\\vim.exe" -n'}, "win32", everything)
    assert windows == ("C:\\My Tools\\vim.exe", "-n")
    assert find_editor({}, "linux", lambda program: program if program == "vi" else None) == ("vi",)
    assert find_editor({}, "win32", everything) == ("notepad",)
    with pytest.raises(EngineError, match="set the environment variable EDITOR"):
        find_editor({}, "linux", lambda _: None)
    with pytest.raises(EngineError, match="VISUAL: no closing quotation; close the quotes"):
        find_editor({"VISUAL": "'vi"}, "linux", everything)


@pytest.mark.parametrize(
    ("editor", "argv"),
    [
        (("/usr/bin/vim",), ["/usr/bin/vim", "+7", "f"]),
        (("hx",), ["hx", "f:7"]),
        (("code", "-n"), ["code", "-n", "--wait", "--goto", "f:7"]),
        (("C:\\VS\\Code.exe", "-w"), ["C:\\VS\\Code.exe", "-w", "--goto", "f:7"]),
        (("odd",), ["odd", "f"]),
    ],
)
def test_where_it_begins(editor: tuple[str, ...], argv: list[str]) -> None:
    assert build_editor_argv(editor, FilePlace("f", exists=True, line=7)) == argv
    assert "7" not in "".join(build_editor_argv(editor, FilePlace("f", exists=True)))


def test_how_it_ended(tmp_path: Path) -> None:
    assert run_editor([sys.executable, "-c", ""]) == ""
    assert run_editor([sys.executable, "-c", "raise SystemExit(3)"]).endswith("ended with code 3")
    assert "cannot be run" in run_editor([str(tmp_path)])
