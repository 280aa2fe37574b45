"""Pictures of choosing a model, of the form, and of the question before a removal."""

from __future__ import annotations

import pytest

from engine.editing import FoundModel, KeyFault, SearchState
from tests.fakes.scenes import TRIO, engine_of, snapshot
from tests.fakes.still_engine import StillEngine
from tests.snapshots.test_dashboard_pictures import SIZES, Compare, is_as_stored

MODELS = (
    FoundModel(
        "/home/ada/m/Qwen3-4B-Q4_K_M.gguf", "LM Studio", "Qwen3-4B-Q4_K_M", 2_497_280_256, 1, "qwen3", "4B", "Q4_K_M"
    ),
    FoundModel("/home/ada/o/blobs/sha256-1", "Ollama", "gemma3:27b", 17_396_936_941, 1, "gemma3", "27B", "Q4_K_M"),
    FoundModel("/home/ada/h/模型-Q8_0.gguf", "Hugging Face", "模型-Q8_0", 634_553_760, 1, "bert", "335M", "Q8_0"),
    FoundModel("/home/ada/m/page.gguf", "models", "page", 1234, trouble="is no GGUF file; download it again"),
)


def ready() -> StillEngine:
    engine = engine_of(snapshot(TRIO))
    engine.search.published = SearchState(MODELS, ("/mnt/x: cannot be read: permission denied",), is_done=True)
    return engine


@pytest.mark.parametrize("size", SIZES)
def test_the_models_on_this_machine(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert is_as_stored(snap_compare, ready(), size, "n", until="4 of 4 models")


@pytest.mark.parametrize("size", SIZES)
def test_the_form(snap_compare: Compare, size: tuple[int, int]) -> None:
    engine = ready()
    engine.editor.faults["port"] = KeyFault("port", "must be a whole number from 1 to 65535", "for example port = 8081")
    engine.editor.warnings = ("model: no such file yet",)
    assert is_as_stored(snap_compare, engine, size, "n", "enter", until="must be a whole")


@pytest.mark.parametrize("size", SIZES)
def test_the_question_before_a_removal(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert is_as_stored(snap_compare, ready(), size, "delete", until="Stop chat, then remove it")
