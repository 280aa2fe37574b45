"""What is said in a conversation with an instance: frozen data, standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ChatRole(StrEnum):
    """Who says something in a conversation."""

    USER = "user"
    ASSISTANT = "assistant"


class ChatStatus(StrEnum):
    """How far an answer is."""

    IDLE = "idle"
    """Nothing was asked yet."""
    WAITING = "waiting"
    """Asked; the first token is not there yet."""
    ANSWERING = "answering"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """What one side said."""

    role: ChatRole
    text: str


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """An answer as far as it has come."""

    status: ChatStatus = ChatStatus.IDLE
    text: str = ""
    thoughts: str = ""
    """What the model thinks before it speaks, where the server tells it apart."""
    tokens: int = 0
    """How many pieces came; most are one token."""
    first_token_s: float | None = None
    """Seconds from the question to the first token."""
    tokens_per_s: float | None = None
    """As the server counts them at the end, until then as they come."""
    is_cut: bool = False
    """It was longer than an answer may be here, or than the context."""
    error: str = ""
    """Why there is no (whole) answer, and what to do about it."""
