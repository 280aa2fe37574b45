"""A search for models on a thread of its own; what it has found so far can be looked at any time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from dataclasses import replace

from engine.config.file import load_config
from engine.editing import SearchState
from engine.models.discover import Trouble, find_models
from engine.models.places import find_places
from engine.paths import Home, user_home

CLOSE_LIMIT_S = 1.0
"""How long the end of a search is waited for: a network folder may not answer."""


class ModelSearchThread:
    """Meets `engine.protocol.ModelSearch`."""

    def __init__(self, home: Home, environ: Mapping[str, str]) -> None:
        self._home = home
        self._environ = environ
        self._state = SearchState()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model-search", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def state(self) -> SearchState:
        """What it has found so far (the same object until there is more)."""
        return self._state

    def close(self) -> None:
        """End it. Returns at once; the thread goes with the next file that it looks at."""
        self._stop.set()

    def wait(self, timeout_s: float = CLOSE_LIMIT_S) -> bool:
        """Wait for its end; False when it takes longer."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            folders = load_config(self._home.config_file, self._environ).config.models.folders
            places = find_places(self._environ, user_home(self._environ), sys.platform, folders)
            for find in find_models(places, self._stop.is_set, self._say_folder):
                state = self._state
                if isinstance(find, Trouble):
                    self._state = replace(state, troubles=(*state.troubles, find.message))
                else:
                    self._state = replace(state, models=(*state.models, find))
        except OSError as error:
            self._state = replace(self._state, troubles=(*self._state.troubles, str(error)))
        finally:
            self._state = replace(self._state, looking_in="", is_done=True)

    def _say_folder(self, folder: str) -> None:
        self._state = replace(self._state, looking_in=folder)
