"""What a description is divided into."""

from __future__ import annotations

from enum import StrEnum


class Topic(StrEnum):
    """What a section of a description is about; the tabs of the describe screen, in their order."""

    OVERVIEW = "overview"
    CONFIGURATION = "configuration"
    COMMAND = "command"
    HEALTH = "health"
    EVENTS = "events"
    LOG = "log"
