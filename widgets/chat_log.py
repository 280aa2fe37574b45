"""What was said in a conversation, one turn below the other; every word literal."""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.conversation import ChatAnswer, ChatMessage, ChatRole, ChatStatus
from widgets.text import clean_block

CURSOR = "▌"
"""Stands where the next words will come."""


class ChatLog(VerticalScroll, can_focus=False):
    """The turns of a conversation, its end in sight until somebody scrolls up."""

    DEFAULT_CSS = """
    ChatLog { height: 1fr; scrollbar-size-vertical: 1; }
    ChatLog > Static { width: 100%; height: auto; margin-bottom: 1; }
    ChatLog > .chat--user { color: $text-accent; text-style: bold; }
    """

    _answer: Static | None = None

    def add_question(self, message: ChatMessage) -> None:
        """Show what was asked; the answer will stand below it."""
        self._answer = Static("", markup=False)
        self.mount(Static(Content(f"› {clean_block(message.text)}"), classes="chat--user"), self._answer)
        self.anchor()

    def show(self, answer: ChatAnswer) -> None:
        """Draw the answer as far as it has come."""
        if self._answer is not None:
            self._answer.update(answer_content(answer))

    def clear(self) -> None:
        """Forget everything."""
        self._answer = None
        self.remove_children()


def answer_content(answer: ChatAnswer) -> Content:
    """Thoughts quietly, then the words, then what went wrong."""
    parts: list[tuple[str, str] | str] = []
    if answer.thoughts:
        parts.append((f"{clean_block(answer.thoughts)}\n\n", "$foreground 60% italic"))
    parts.append(clean_block(answer.text).lstrip())  # many models begin with a blank
    if answer.status is ChatStatus.ANSWERING:
        parts.append((CURSOR, "$text-accent"))
    if answer.status is ChatStatus.DONE and not answer.text and not answer.thoughts:
        parts.append(("(no words: the model ended its answer at once)", "$foreground 60%"))
    if answer.status is ChatStatus.CANCELLED:
        parts.append((" (broken off)", "$foreground 60%"))
    if answer.error:
        before = "\n" if answer.text else ""
        parts.append((f"{before}✗ {clean_block(answer.error)}", "$text-error"))
    return Content.assemble(*parts)


def turn_of(answer: ChatAnswer) -> ChatMessage | None:
    """What the model has said, for the rest of the conversation; None when it has said nothing."""
    return ChatMessage(ChatRole.ASSISTANT, answer.text) if answer.text else None
