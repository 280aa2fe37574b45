"""A model that is typed: what is proposed for it, and a folder whose models are listed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import Input

from llama_orch_tui.screens.model_picker import folder_of
from tests.fakes.console import Operator, drive
from tests.llama_orch_tui.test_app_forms import QWEN, field, open_form, ready


def test_values_are_proposed_for_a_typed_path_of_a_readable_model() -> None:
    engine = ready()
    engine.editor.values["~/x/E.gguf"] = {"ctx_size": 512, "args": ["--embedding"]}

    async def script(operator: Operator) -> None:
        await operator.press("n")
        operator.app.screen.query_one(Input).value = "~/x/E.gguf"
        await operator.until_shown("Use what is typed")
        await operator.press("enter")
        await operator.until_shown("[instances.e]")
        assert (field(operator, "ctx_size").value, field(operator, "args").value) == ("512", "--embedding")

    drive(engine, script)


def test_another_model_in_the_form_brings_its_values_where_the_operator_said_nothing() -> None:
    engine = ready()
    engine.editor.values |= {"/m/a.gguf": {"ctx_size": 512, "args": ["--embedding"]}, "/m/b.gguf": {"ctx_size": 2048}}

    async def script(operator: Operator) -> None:
        await open_form(operator)
        field(operator, "model").value = "/m/a.gguf"
        await operator.until(lambda: field(operator, "ctx_size").value == "512", "what is proposed for it")
        assert field(operator, "args").value == "--embedding"
        field(operator, "ctx_size").value = "1024"
        field(operator, "model").value = "/m/b.gguf"
        await operator.until(lambda: not field(operator, "args").value, "the other one's arguments go")
        assert field(operator, "ctx_size").value == "1024", "what was typed stays"

    drive(engine, script)


def test_a_changed_instance_keeps_its_values_whatever_its_model() -> None:
    engine = ready()
    engine.editor.values["/m/a.gguf"] = {"ctx_size": 512}

    async def script(operator: Operator) -> None:
        await operator.press("i")
        await operator.until_shown("[instances.chat]")
        field(operator, "model").value = "/m/a.gguf"
        await operator.until(lambda: engine.editor.checked[-1][1].get("model") == "/m/a.gguf", "it is checked")
        assert field(operator, "ctx_size").value == "4096"

    drive(engine, script)


def test_a_typed_folder_lists_the_models_in_it() -> None:
    engine = ready()
    first, second = replace(QWEN, path="/x/A.gguf", title="A"), replace(QWEN, path="/x/Beta.gguf", title="Beta")
    other = replace(QWEN, path="/x/a-be.gguf", title="a-be")
    engine.editor.folders["~/x/"] = (first, other, second)

    async def script(operator: Operator) -> None:
        await operator.press("n")
        line = operator.app.screen.query_one(Input)
        line.value = "~/x/"
        await operator.until_shown("Beta")
        assert "3 models in ~/x/" in operator.text()
        assert operator.line_of("Beta") < operator.line_of("Use what is typed")
        line.value = "~/x/be"
        await operator.until(lambda: "/x/Beta.gguf" in operator.text(), "the one that begins so is under the cursor")
        await operator.press("enter")
        await operator.until_shown("[instances.beta]")
        assert field(operator, "model").value == "/x/Beta.gguf"

    drive(engine, script)


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("/m/a.gguf", "/m/"),
        ("~/m", "~/"),
        ("$HOME/m/", "$HOME/m/"),
        (r"C:\m\a", "C:\\m\\"),
        ("ada/tiny:Q4", ""),
        ("qwen", ""),
    ],
)
def test_only_a_path_has_a_folder(text: str, folder: str) -> None:
    assert folder_of(text) == folder
