"""What an instance that serves a found model is to be called, and which values it begins with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from engine.config.names import find_name_fault
from engine.editing import FoundModel

MAX_NAME = 63
USUAL_CONTEXT = 8192
"""Tokens: enough to talk, and little enough memory to begin with."""
EMBEDDERS = ("bert", "nomic-bert", "jina-bert", "gte", "t5encoder")
"""Architectures that give vectors, not words; others of a kind begin like these."""

_QUANTISATION = re.compile(r"[-._]?(i?q\d(_[a-z0-9]+)*|bf16|f16|f32|mxfp4(_moe)?)$", re.IGNORECASE)
_ENDINGS = re.compile(r"[-._](gguf|it|instruct|chat|latest)$", re.IGNORECASE)


def propose_name(title: str, taken: Iterable[str]) -> str:
    """A good name made of `title` that nobody of `taken` has, compared without case."""
    base = title.rpartition("/")[2].removesuffix(":latest").lower()
    base = _ENDINGS.sub("", _QUANTISATION.sub("", base)) or base
    base = re.sub(r"[^a-z0-9._-]+", "-", base).strip("-._")[: MAX_NAME - 4].rstrip("-._")
    if not base or find_name_fault(base):
        base = f"model-{base.replace('.', '-')}".rstrip("-")
    known = {name.lower() for name in taken}
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(known) + 2))
    return next(name for name in names if name not in known)


def propose_table(model: FoundModel, home: Path, port: int | str) -> dict[str, object]:
    """The keys to begin with; `home` is the user's home folder, which is written as ``~``."""
    return {"model": write_path(model.path, home), "port": port, **propose_values(model)}


def propose_values(model: FoundModel) -> dict[str, object]:
    """What follows from what its file says of the model."""
    values: dict[str, object] = {"ctx_size": min(model.context_length or USUAL_CONTEXT, USUAL_CONTEXT)}
    return values | {"args": ["--embedding"]} if is_embedder(model) else values


def is_embedder(model: FoundModel) -> bool:
    """True for a model that gives vectors, not words."""
    return model.architecture.startswith(EMBEDDERS) or re.search(r"(?i)\bembed", model.title) is not None


def write_path(path: str, home: Path) -> str:
    """A path as it is written into the file: ``~`` for the home folder, no dollar sign that would be a variable."""
    try:
        inside = Path(path).relative_to(home)
    except ValueError:
        return path.replace("$", "$$")
    return f"~/{inside.as_posix()}".replace("$", "$$")
