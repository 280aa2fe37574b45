from __future__ import annotations

from pathlib import Path

import pytest

from engine.models.tiny_gguf import cached_tiny_model, make_tiny_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that loads at once."""
    return cached_tiny_model(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose vocabulary takes long to load, so that there is time to look at a load."""
    return make_tiny_model(tmp_path_factory.mktemp("slow") / "slow.gguf", vocab_pad=400_000)


@pytest.fixture(scope="session")
def endless_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose context is so long that an answer goes on until somebody ends it."""
    return make_tiny_model(tmp_path_factory.mktemp("endless") / "endless.gguf", context_length=1 << 17)
