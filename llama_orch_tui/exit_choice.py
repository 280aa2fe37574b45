"""How the operator left the dashboard."""

from __future__ import annotations

from enum import StrEnum


class ExitChoice(StrEnum):
    """What is to happen after the screen is gone."""

    DAEMON = "daemon"
    """A daemon watches the models in the background."""
    LEAVE = "leave"
    """The models run on as they are."""
    STOP = "stop"
    """The models are stopped first."""
    DEMO = "demo"
    """The demo opens instead."""
