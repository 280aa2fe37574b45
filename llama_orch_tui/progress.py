"""What `--wait` shows: one line that is drawn again and again on a terminal, else a line for each change."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from engine.snapshots import InstanceSnapshot, State
from llama_orch_tui import output

_REDRAW = "\r\x1b[2K"


class Progress:
    """A context manager; the line is gone when it ends. Everything goes to stderr."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._said: dict[str, State] = {}
        self._drawn = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._draw("")

    def show(self, seen: Sequence[InstanceSnapshot]) -> None:
        """Say how far these are."""
        if self._is_terminal:
            self._draw(describe_progress(seen)[: shutil.get_terminal_size().columns - 1])
            return
        for one in seen:
            if self._said.get(one.name) is not one.state:
                self._said[one.name] = one.state
                output.say_error(f"{one.name}: {one.state.value}")

    def _draw(self, text: str) -> None:
        if self._is_terminal and text != self._drawn:
            self._drawn = text
            sys.stderr.write(_REDRAW + text)
            sys.stderr.flush()


def describe_progress(seen: Sequence[InstanceSnapshot]) -> str:
    """All in one line: ``1 of 3 ready · qwen loading 42 % · bge waiting``."""
    ready = sum(one.state is State.READY for one in seen)
    return " · ".join(
        [f"{ready} of {len(seen)} ready", *(_describe(one) for one in seen if one.state is not State.READY)]
    )


def _describe(one: InstanceSnapshot) -> str:
    share = "" if one.progress is None else f" {one.progress * 100:.0f} %"
    return f"{one.name} {one.state.value}{share}"
