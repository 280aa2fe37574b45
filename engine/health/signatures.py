"""What the catalogue of causes is made of: the sorts of cause, and a row that recognises one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class CauseKind(StrEnum):
    """What sort of cause; the words of ``cause`` in an event's meta, added to, never renamed."""

    UNKNOWN_FLAG = "unknown-flag"
    BAD_VALUE = "bad-value"
    BAD_VARIABLE = "bad-variable"
    BAD_TEMPLATE = "bad-template"
    NO_MODEL = "no-model"
    NO_SSL = "no-ssl"
    CANNOT_BIND = "cannot-bind"
    SPLIT_MODEL = "split-model"
    PROJECTOR = "projector"
    ADAPTER = "adapter"
    DRAFT_MODEL = "draft-model"
    NOT_DOWNLOADED = "not-downloaded"
    OUT_OF_MEMORY = "out-of-memory"
    CONTEXT_TOO_LARGE = "context-too-large"
    TOO_MANY_SLOTS = "too-many-slots"
    NEEDS_FLASH_ATTENTION = "needs-flash-attention"
    MODEL_MISSING = "model-missing"
    MODEL_UNREADABLE = "model-unreadable"
    NOT_GGUF = "not-gguf"
    MODEL_TRUNCATED = "model-truncated"
    MODEL_TOO_NEW = "model-too-new"
    UNKNOWN_ARCHITECTURE = "unknown-architecture"
    MODEL_BROKEN = "model-broken"
    LOAD_FAILED = "load-failed"
    GPU_MEMORY = "gpu-memory"
    GPU_LOST = "gpu-lost"
    GPU_UNUSABLE = "gpu-unusable"
    GPU_ERROR = "gpu-error"
    ASSERTION = "assertion"
    MISSING_PACKAGE = "missing-package"
    MISSING_LIBRARY = "missing-library"
    NOT_EXECUTABLE = "not-executable"
    KILLED = "killed"
    TOLD_TO_END = "told-to-end"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Signature:
    """One row. ``{0}``, ``{1}`` … in its words stand for the pattern's groups."""

    kind: CauseKind
    pattern: str
    message: str
    hint: str
    is_permanent: bool = True
    is_crash: bool = False
    """A signal of its own may follow this line, not only an exit code."""

    def search(self, text: str) -> re.Match[str] | None:
        """Where one of the lines of `text` is what this row looks for.

        Compiled when first used: most programs that import the catalogue see no server die, and all wait for the
        import.
        """
        return re.search(self.pattern, text, re.MULTILINE)
