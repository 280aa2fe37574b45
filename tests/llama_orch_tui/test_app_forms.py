"""New, clone and edit: choosing a model, the form, and what is said when it cannot be done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import events
from textual.widgets import Input

from engine.editing import FoundModel, KeyFault, SearchState
from engine.snapshots import State
from llama_orch_tui.instance_fields import Kind, _read, fields_for, read_texts, write_texts
from llama_orch_tui.screens.instance_form import CHECK_DELAY_S, InstanceForm
from llama_orch_tui.screens.model_picker import ModelPicker, as_typed, is_hub_model, is_source
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import TRIO, engine_of, first_run, instance, snapshot
from tests.fakes.still_engine import StillEngine

QWEN = FoundModel("/m/Qwen3.gguf", "LM Studio", "Qwen3", 2_600_000_000, 1, "qwen3", "4B", "Q4_K_M", 40960, 36)
GEMMA = FoundModel("/m/[b]Gemma[/nope].gguf", "Ollama", "[b]Gemma[/nope]", 900_000_000, quantisation="Q8_0")
BROKEN = FoundModel("/m/page.gguf", "models", "page", 12, trouble="is no GGUF file; download it again")
CHAT = {"model": "/m/chat.gguf", "port": 8081, "ctx_size": 4096, "tags": ["chat"], "healthcheck": {"interval": 5.0}}


def ready(*models: FoundModel, is_done: bool = True) -> StillEngine:
    engine = engine_of(snapshot(TRIO))
    engine.search.published = SearchState(models or (QWEN, GEMMA, BROKEN), (), "/m", is_done)
    engine.editor.tables["chat"] = dict(CHAT)
    return engine


def field(operator: Operator, key: str) -> Input:
    return operator.app.screen.query_one(f"#field-{key}", Input)


async def open_form(operator: Operator) -> None:
    await operator.press("n")
    await operator.until_shown("choose the model")
    await operator.until_shown("Qwen3")
    await operator.press("enter")
    await operator.until_shown("[instances.qwen3]")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
def test_n_lists_models_and_a_form_writes_the_chosen_one(size: tuple[int, int]) -> None:
    async def script(operator: Operator) -> None:
        await open_form(operator)
        assert field(operator, "name").has_focus
        for words in ("/m/Qwen3.gguf", "8090", "ctx_size", "autostart", "added to config.toml"):
            assert words in operator.text()
        await operator.press("enter")
        await operator.until(lambda: operator.app.screen is operator.dashboard, "the form closes")
        assert operator.engine.editor.done == [("add", "qwen3")]
        assert operator.engine.editor.tables["qwen3"] == {"model": "/m/Qwen3.gguf", "port": 8090, "ctx_size": 8192}
        assert ("information", f"qwen3: added to {operator.engine.editor.place.path}; s starts it.") in operator.told()
        operator.engine.publish(snapshot((*TRIO, instance("qwen3", State.STOPPED))))
        await operator.until(lambda: operator.table.cursor_name == "qwen3", "the cursor is on the new row")
        assert operator.engine.search.is_closed

    drive(ready(), script, size=size)


def test_models_come_as_they_are_found_and_the_cursor_stays() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("n")
        await operator.until_shown("1 model so far; looking in /m")
        operator.engine.search.published = SearchState((BROKEN, QWEN, GEMMA), ("/x: cannot be read",), "", is_done=True)
        await operator.until_shown("3 of 3 models")
        await operator.until_shown("/x: cannot be read")
        await operator.until_shown("[b]Gemma[/nope]")
        assert "/m/Qwen3.gguf" in operator.text()
        await operator.press("down")
        await operator.until_shown("/m/[b]Gemma[/nope].gguf")
        await operator.press("down")
        await operator.until_shown("is no GGUF file; download it again")
        await operator.press("enter")
        assert operator.told() == [("warning", "/m/page.gguf: is no GGUF file; download it again")]
        await operator.press("pageup", "pagedown", "up")
        await operator.press("escape")
        assert operator.app.screen is operator.dashboard

    drive(ready(QWEN, is_done=False), script)


def test_a_filter_leaves_what_fits_and_escape_takes_it_away() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("n", *"q8 oll")
        await operator.until_shown("1 of 3 models")
        assert "Qwen3" not in operator.text()
        await operator.press("escape")
        await operator.until_shown("3 of 3 models")
        assert isinstance(operator.app.screen, ModelPicker)

    drive(ready(), script)


@pytest.mark.parametrize(
    ("typed", "table"),
    [
        ("ada/tiny:Q4_K_M", {"hf": "ada/tiny:Q4_K_M", "port": 8090}),
        ("~/x/A.gguf", {"model": "~/x/A.gguf", "port": 8090}),
    ],
)
def test_what_is_typed_can_be_used(typed: str, table: dict[str, object]) -> None:
    async def script(operator: Operator) -> None:
        await operator.press("n")
        operator.app.screen.query_one(Input).value = typed
        await operator.until_shown("Use what is typed")
        await operator.press("enter")
        await operator.until(lambda: isinstance(operator.app.screen, InstanceForm), "the form")
        await operator.until_shown("[instances.")
        await operator.press("enter")
        await operator.until(lambda: bool(operator.engine.editor.done), "it is written")
        assert list(operator.engine.editor.tables.values())[-1] == table

    drive(ready(), script)


def test_nothing_found_is_said_with_what_to_do() -> None:
    engine = ready()
    engine.search.published = SearchState(is_done=True)

    async def script(operator: Operator) -> None:
        await operator.press("n")
        await operator.until_shown("No model was found. Type a path or owner/repo:quant")
        status, line = operator.line_of("No model was found"), operator.line_of("type to filter")
        assert status - line == 2, "it is said where the eye is"
        await operator.press("enter")
        await operator.until_shown("Nothing to choose: type the path of a")
        assert isinstance(operator.app.screen, ModelPicker)

    drive(engine, script)


@pytest.mark.parametrize("key", ["n", "d", "question_mark", "o"])
def test_what_was_told_before_does_not_stand_over_a_form_or_a_page(key: str) -> None:
    async def script(operator: Operator) -> None:
        operator.app.notify("chat: stopped")
        await operator.until(lambda: bool(operator.told()), "it is told")
        await operator.press(key)
        await operator.until(lambda: not operator.told(), "nothing stands over it")
        await operator.until(lambda: not operator.dashboard.query("Toast"), "nor behind it")

    drive(ready(), script)


def test_a_fault_stands_under_its_line_and_nothing_is_written() -> None:
    async def script(operator: Operator) -> None:
        await open_form(operator)
        operator.engine.editor.faults["port"] = KeyFault("port", "must be [a] number", "for example port = 8081")
        await operator.press("x")
        await operator.until_shown("must be [a] number; for example port = 8081")
        told = operator.app.screen.query_one("#fault-port")
        assert told.region.y == field(operator, "port").region.y + 1
        assert told.content_region.x == field(operator, "port").content_region.x
        await operator.press("enter")
        await operator.until(lambda: field(operator, "port").has_focus, "the faulty line has the focus")
        assert operator.engine.editor.done == []
        operator.engine.editor.faults.clear()
        await operator.press("9")
        await operator.until_gone("must be [a] number")
        await operator.press("ctrl+s")
        await operator.until(lambda: bool(operator.engine.editor.done), "it is written")

    drive(ready(), script)


def test_keys_go_to_the_line_with_the_focus() -> None:
    async def script(operator: Operator) -> None:
        await open_form(operator)
        for key, character in (("tab", None), ("tab", None), ("9", "9")):
            operator.app.post_message(events.Key(key, character))  # faster than anything can settle
        await operator.until(lambda: field(operator, "port").value == "9", "the port is typed anew")
        await operator.press("down", "up", "up", "up")
        assert field(operator, "name").has_focus
        assert field(operator, "name").value == "qwen3"

    drive(ready(), script)


def test_open_quotes_and_taken_names_are_said() -> None:
    async def script(operator: Operator) -> None:
        await open_form(operator)
        field(operator, "args").value = '--x "y'
        await operator.until_shown("no closing quotation; close the quotes")
        field(operator, "args").value = "--x 'y z'"
        field(operator, "name").value = "chat"
        await operator.until_shown("there is chat already; choose another name")
        assert operator.engine.editor.checked[-1][1]["args"] == ["--x", "y z"]
        await operator.press("escape")
        assert operator.app.screen is operator.dashboard
        assert operator.engine.editor.done == []

    drive(ready(), script)


def test_faults_of_no_line_and_warnings_stand_below() -> None:
    async def script(operator: Operator) -> None:
        operator.engine.editor.warnings = ("port 8090 is in use at this moment",)
        await open_form(operator)
        await operator.until_shown("port 8090 is in use at this moment")
        operator.engine.editor.faults["healthcheck"] = KeyFault("healthcheck", "is odd", "mend it")
        await operator.press("x")
        await operator.until_shown("healthcheck: is odd; mend it")

    drive(ready(), script)


def test_a_refusal_while_writing_keeps_the_form() -> None:
    async def script(operator: Operator) -> None:
        await open_form(operator)
        operator.engine.editor.error = "config.toml: has changed since it was read; nothing was written, try again"
        await operator.press("enter")
        await operator.until_shown("nothing was written, try again")
        assert isinstance(operator.app.screen, InstanceForm)
        operator.engine.editor.error = ""
        await operator.press("enter")
        await operator.until(lambda: operator.engine.editor.done == [("add", "qwen3")], "it is written")

    drive(ready(), script)


def test_why_it_was_not_written_stays_when_enter_came_right_behind_a_letter() -> None:
    async def script(operator: Operator) -> None:
        await open_form(operator)
        operator.engine.editor.error = "config.toml: has changed since it was read; nothing was written, try again"
        await operator.press("x", "enter")
        await operator.until_shown("nothing was written, try again")
        await operator.pilot.pause(4 * CHECK_DELAY_S)
        assert "nothing was written, try again" in operator.text()

    drive(ready(), script)


def test_a_clone_begins_with_what_the_other_says() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("N")
        await operator.until_shown("[instances.chat-2]")
        await operator.press("enter")
        await operator.until(lambda: operator.engine.editor.done == [("add", "chat-2")], "it is written")
        assert operator.engine.editor.tables["chat-2"] == {**CHAT, "port": 8091}

    drive(ready(), script)


def test_an_edit_changes_the_table_and_says_when_it_counts() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("i")
        await operator.until_shown("Edit chat")
        await operator.until_shown("[instances.chat]")
        assert field(operator, "name").disabled
        field(operator, "ctx_size").value = ""
        field(operator, "tags").value = "chat, big"
        await operator.press("enter")
        await operator.until(lambda: operator.engine.editor.done == [("change", "chat")], "it is written")
        left = {key: value for key, value in CHAT.items() if key != "ctx_size"}
        assert operator.engine.editor.tables["chat"] == {**left, "tags": ["chat", "big"]}
        assert operator.told()[-1] == ("information", "chat: changed. It runs as it was until r restarts it.")

    drive(ready(), script)


@pytest.mark.parametrize("key", ["N", "i"])
def test_what_cannot_be_read_is_said(key: str) -> None:
    engine = ready()
    engine.editor.error = "config.toml:3: not valid TOML; correct this line"

    async def script(operator: Operator) -> None:
        await operator.press(key)
        await operator.until_shown("correct this line")
        assert operator.app.screen is operator.dashboard

    drive(engine, script)


def test_the_first_instance_is_made_from_the_welcome() -> None:
    engine = engine_of(first_run())
    engine.search.published = SearchState((QWEN,), is_done=True)

    async def script(operator: Operator) -> None:
        assert "n makes one of a model on this machine" in operator.text()
        await open_form(operator)
        await operator.press("enter")
        await operator.until(lambda: operator.engine.editor.done == [("add", "qwen3")], "it is written")
        operator.engine.publish(snapshot((instance("qwen3", State.STOPPED),)))
        await operator.until(lambda: operator.table.cursor_name == "qwen3", "the cursor is on the new row")

    drive(engine, script)


def test_texts_and_tables_say_the_same() -> None:
    table: dict[str, object] = {
        "command": ["srv", "--name", "a b"],
        "port": "auto",
        "gpu_layers": "all",
        "tags": ["x,y", "z"],
        "autostart": True,
        "env": {"A": "b"},
    }
    fields = fields_for(table)
    texts = write_texts("a", table, fields)
    assert texts["command"] == "srv --name 'a b'"
    assert texts["autostart"] == "yes"
    assert read_texts(texts, table, fields) == (table, ())
    changed, faults = read_texts({**texts, "port": "-5", "autostart": "maybe", "tags": "a b"}, table, fields)
    assert faults == ()
    assert (changed["port"], changed["autostart"], changed["tags"]) == (-5, "maybe", ["a", "b"])
    assert _read(Kind.NUMBER, "9" * 5000, None) == "9" * 5000


def test_sources_are_told_from_filters() -> None:
    assert [is_source(text) for text in ("qwen", "a/b", "a/b:Q4", "/x", "~/x", "x.GGUF", "", "a b/c")] == [
        False,
        True,
        True,
        True,
        True,
        True,
        False,
        False,
    ]
    assert not is_hub_model("a/b.gguf")
    assert as_typed("C:\\m\\A.gguf").title == "A"
    assert as_typed("a/b:Q4").title == "b-Q4"
    assert replace(as_typed("/m/A.gguf"), title="").source == ""
