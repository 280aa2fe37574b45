"""What the console remembers of its operator's choices between two runs: columns, order, sizes, theme.

One small JSON object. It is read once, before the screen opens, and written behind the screen's back.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path

from engine.process.records import replace_file

SIZE_LIMIT = 64 * 1024
"""Bytes; a larger file is none of ours."""

Choice = str | int | float | bool | None | list[str] | Mapping[str, str | int | float | bool | None]
"""What may be remembered: plain values that JSON knows. Whoever reads one checks it, for people edit files."""


class Remembered:
    """The choices by name. Lives on the UI thread; only the writing happens on threads of its own.

    Two consoles may be open: each writes only what its own operator chose, over what the file holds by then.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Read the file, which need not exist. Without a path nothing outlives the console."""
        self.note = ""
        """What is wrong with the file, for a person; empty when nothing is."""
        self._path = path
        self._fresh: dict[str, Choice] = {}
        """Chosen, and not written yet. Guarded by the lock."""
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        """Held by the thread that replaces the file."""
        self._threads: list[threading.Thread] = []
        self._choices: dict[str, Choice] = {}
        try:
            self._choices = load_choices(path) if path is not None else {}
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            self.note = f"{path}: {reason}; the console starts with its defaults, and writes the file anew"

    def get(self, name: str) -> object:
        """The choice of this name; None when there is none. Its type is to be checked."""
        return self._choices.get(name)

    def put(self, name: str, choice: Choice) -> None:
        """Remember a choice. Returns at once."""
        if name in self._choices and self._choices[name] == choice:
            return
        self._choices[name] = choice
        if self._path is None:
            return
        with self._lock:
            is_written_already = bool(self._fresh)
            self._fresh[name] = choice
        if not is_written_already:
            self._threads = [one for one in self._threads if one.is_alive()]
            writer = threading.Thread(target=self._write, args=(self._path,), name="remembering", daemon=True)
            self._threads.append(writer)
            writer.start()

    def close(self) -> None:
        """Wait until every choice is in the file. Called when the screen is closed."""
        for thread in self._threads:
            thread.join()

    def _write(self, path: Path) -> None:
        with self._writing:
            with self._lock:
                fresh, self._fresh = self._fresh, {}
            try:
                known = load_choices(path)
            except (OSError, ValueError):  # told at the start already
                known = {}
            try:
                data = json.dumps({**known, **fresh}, ensure_ascii=False, indent=2).encode()
                replace_file(str(path), data + b"\n")
            except OSError as error:
                self.note = f"{path}: {error.strerror or error}; choices on the screen are not remembered"


def load_choices(path: Path) -> dict[str, Choice]:
    """What the file holds; nothing when there is none.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON object of ours.
    """
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        return {}
    if len(data) > SIZE_LIMIT:
        raise ValueError("is too large for a list of choices")
    try:
        found = json.loads(data)
    except ValueError as error:
        raise ValueError("is no JSON") from error
    if not isinstance(found, Mapping):
        raise ValueError("holds no JSON object")  # noqa: TRY004 - what is wrong is the file, not a type of ours
    return dict(found)
