"""Words of others on every screen: shown as text, and nothing in them that a terminal would obey."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from engine.conversation import ChatAnswer, ChatStatus
from engine.description import DescribeSection, Description, SettingInForce
from engine.editing import FoundModel, SearchState
from engine.log_asking import LogWindow
from engine.snapshots import CrashText, Event, EventType, Fault, Level, LogLine, ProfileSnapshot, State, Stream
from llama_orch_tui.instance_fields import fields_for, read_texts, write_texts
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import NOW, TRIO, engine_of, instance, snapshot
from tests.fakes.still_engine import StillEngine

HOSTILE = "[red]x[/] [/nope] \x1b[31mRED\x1b[0m \x1b]0;TITLE\x07\x1b]52;c;aGVsbG8=\x07 \u202eRTL\u202c 中文🙂 \x9b2J"
OBEYED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def hostile() -> StillEngine:
    """An engine that says it wherever anything can be said."""
    rows = (
        replace(TRIO[0], model=HOSTILE, why=HOSTILE, tags=(HOSTILE,)),
        replace(instance("bad", State.STOPPED, config_error=HOSTILE), model=HOSTILE),
        replace(instance("worse", State.FAILED, why=HOSTILE), last_error=HOSTILE, tags=(HOSTILE,)),
    )
    event = Event(NOW, "chat", Level.ERROR, EventType.FAILED, HOSTILE, (("hint", HOSTILE), ("lines", (HOSTILE,))), 1)
    shown = replace(
        snapshot(rows, events=(event,), faults=(Fault("config", HOSTILE, NOW),)),
        profiles=(ProfileSnapshot(HOSTILE, ("chat",), ("chat",)),),
        config_path=HOSTILE,
    )
    engine = engine_of(shown)
    engine.logs["chat"] = LogWindow(
        "chat", (LogLine(HOSTILE, Stream.STDOUT), LogLine(HOSTILE, Stream.STDERR, is_gap=True))
    )
    section = DescribeSection("State", (("why", HOSTILE), (HOSTILE, HOSTILE)), (HOSTILE,))
    settings = (SettingInForce("env.EVIL", HOSTILE, HOSTILE, is_built_in=False),)
    engine.descriptions["chat"] = Description("chat", HOSTILE, (section,), settings)
    engine.crash_reports["chat"] = CrashText(HOSTILE, (HOSTILE,))
    found = FoundModel(HOSTILE, HOSTILE, HOSTILE, 1, 1, HOSTILE, HOSTILE, HOSTILE, trouble=HOSTILE)
    engine.search.published = SearchState((found,), (HOSTILE,), is_done=True)
    engine.editor.tables["chat"] = {"model": HOSTILE, "args": [HOSTILE], "tags": [HOSTILE], "port": 8081}
    engine.editor.warnings = (HOSTILE,)
    return engine


SCREENS: dict[str, tuple[tuple[str, ...], str]] = {
    "dashboard": ((), "RTL"),
    "groups": (("T",), "by tag"),
    "filter": (("slash", *"red"), "Keep the filter"),
    "overview": (("d", "1"), "RTL"),
    "configuration": (("d", "2"), "EVIL"),
    "command": (("d", "3"), "RTL"),
    "events": (("d", "5"), "RTL"),
    "log": (("d", "6"), "RTL"),
    "event": (("e", "end", "d"), "hint"),
    "event types": (("e", "T"), "Events of one type"),
    "crash report": (("v",), "RTL"),
    "profiles": (("p",), "Use a profile"),
    "models": (("n",), "1 of 1 model"),
    "a model that cannot be had": (("n", "enter"), "RTL"),
    "form": (("i",), "its table"),
    "copied": (("y",), "Copied"),
    "merged log": (("m", "z"), "RTL"),
    "stop": (("a", "x"), "Stop"),
    "remove": (("delete",), "Remove chat?"),
    "quit": (("q",), "Leave the console?"),
}


@pytest.mark.parametrize(("keys", "until"), SCREENS.values(), ids=SCREENS)
def test_a_screen_shows_it_as_text(keys: tuple[str, ...], until: str) -> None:
    async def script(operator: Operator) -> None:
        await operator.press(*keys)
        await operator.until_shown(until)
        found = OBEYED.search(operator.text())
        assert found is None, f"{found} in:\n{operator.text()!r}"

    drive(hostile(), script)


def test_an_outcome_and_an_answer_are_text_too() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("s", "x")
        for one in operator.engine.submitted:
            one.complete(1, HOSTILE)
        await operator.until(lambda: bool(operator.told()))
        assert not any(OBEYED.search(message) for _, message in operator.told())
        assert not OBEYED.search(operator.text())
        await operator.press("c", "h", "enter")
        operator.engine.chats[-1].published = ChatAnswer(ChatStatus.FAILED, HOSTILE, HOSTILE)
        await operator.until_shown("[/nope]")
        assert not OBEYED.search(operator.text())

    drive(hostile(), script)


def test_whatever_is_told_is_text() -> None:
    async def script(operator: Operator) -> None:
        operator.app.screen.notify(f"one\n{HOSTILE}", title=HOSTILE)
        await operator.until(lambda: bool(operator.told()))
        ((_, told),) = operator.told()
        assert told.count("\n") == 1
        assert not OBEYED.search(told)
        assert not OBEYED.search(operator.text())

    drive(hostile(), script)


def test_what_stands_in_the_form_as_signs_is_kept_as_it_was() -> None:
    table: dict[str, object] = {"model": HOSTILE, "args": ["-x", HOSTILE], "tags": [HOSTILE]}
    fields = fields_for(table)
    texts = write_texts("chat", table, fields)

    assert not any(OBEYED.search(text) for text in texts.values())
    assert read_texts(texts, table, fields) == (table, ())
