"""The thread that notices a changed configuration file, by a look at its stat once a second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.config.file import LoadedConfig, load_config

LOOK_PERIOD_S = 1.0

_Stamp = tuple[int, int, int] | None


class ConfigWatch:
    """Reads the file when it changes; `on_read` is called on its thread."""

    def __init__(self, path: Path, environ: Mapping[str, str], on_read: Callable[[LoadedConfig], None]) -> None:
        self._path = path
        self._environ = environ
        self._on_read = on_read
        self._stamp = _read_stamp(path)
        self._wake = threading.Event()
        self._is_asked = False
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="config-watch", daemon=True)

    def read(self) -> LoadedConfig:
        """The file as it is now; later changes count from here."""
        self._stamp = _read_stamp(self._path)
        return load_config(self._path, self._environ)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def reload(self) -> None:
        """Have the file read now, changed or not. Returns at once."""
        self._is_asked = True
        self._wake.set()

    def close(self) -> None:
        """End the thread."""
        self._is_closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._is_closing:
            self._wake.wait(LOOK_PERIOD_S)
            self._wake.clear()
            is_asked, self._is_asked = self._is_asked, False
            if not self._is_closing and (is_asked or _read_stamp(self._path) != self._stamp):
                self._on_read(self.read())


def _read_stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
