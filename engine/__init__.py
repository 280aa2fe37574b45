"""The engine: everything that supervises, without a screen.

This module is its one face. Attributes are lazy, because the keeper imports the package without site-packages.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` would cost the keeper half a megabyte
    from engine.errors import EngineError, ExitCode
    from engine.paths import Home, find_home
    from engine.protocol import Engine, LogView

_HOMES = {
    "Engine": "engine.protocol",
    "EngineError": "engine.errors",
    "ExitCode": "engine.errors",
    "Home": "engine.paths",
    "LogView": "engine.protocol",
    "find_home": "engine.paths",
}

__all__ = ["Engine", "EngineError", "ExitCode", "Home", "LogView", "find_home"]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        from importlib import import_module  # noqa: PLC0415 - likewise

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
