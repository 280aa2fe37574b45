"""Trying an instance: a small conversation over the dashboard, to see that it answers, and how fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, assert_never

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from engine.conversation import ChatAnswer, ChatMessage, ChatRole, ChatStatus
from engine.protocol import Engine
from llama_orch_tui.dialog_keys import DialogKind, bindings_of, frame_hints
from llama_orch_tui.screens.dialog import Dialog
from widgets.chat_log import ChatLog, turn_of
from widgets.text import clean
from widgets.units import format_rate

POLL_S = 0.1
UNDER_WAY = frozenset({ChatStatus.WAITING, ChatStatus.ANSWERING})


class ChatScreen(Dialog[None]):
    """Type, enter, read. Escape breaks an answer off, and closes when there is none under way."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(DialogKind.CHAT)]

    def __init__(self, engine: Engine, name: str, clock: Callable[[], float]) -> None:
        super().__init__()
        self._chat = engine.open_chat(name)
        self._instance = name
        self._clock = clock
        self._said: tuple[ChatMessage, ...] = ()
        """The conversation up to the last question."""
        self._shown: ChatAnswer | None = None
        self._asked_at = 0.0

    def compose(self) -> ComposeResult:
        """What was said, how fast, and the line to type in."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(f"Chat · {clean(self._instance)}")
            dialog.border_subtitle = frame_hints(DialogKind.CHAT)
            yield ChatLog()
            yield Static("", id="chat-status", markup=False)
            yield Input(placeholder="ask something", select_on_focus=False)

    def on_mount(self) -> None:
        """Ready to type; the answer is looked at ten times a second."""
        line = self.query_one(Input)
        line.cursor_blink = False
        line.focus()
        self.set_interval(POLL_S, self.poll_answer)
        self._say_status(ChatAnswer())

    def on_unmount(self) -> None:
        """Let the server go."""
        self._chat.close()

    def poll_answer(self) -> None:
        """Draw what is new of the answer."""
        answer = self._chat.answer()
        if answer is not self._shown and self._said:
            self._shown = answer
            self.query_one(ChatLog).show(answer)
            self._say_status(answer)
        elif answer.status is ChatStatus.WAITING:
            self._say_status(answer)

    @on(Input.Submitted)
    def ask(self, event: Input.Submitted) -> None:
        """Enter asks."""
        event.stop()
        self.action_ask()

    def action_ask(self) -> None:
        """Ask what was typed; what the model said before goes along."""
        line = self.query_one(Input)
        text = line.value.strip()
        if not text or self._is_answering():
            return
        line.value = ""
        before = turn_of(self._chat.answer()) if self._said else None
        question = ChatMessage(ChatRole.USER, text)
        self._said = (*self._said, *((before,) if before is not None else ()), question)
        self.query_one(ChatLog).add_question(question)
        self._asked_at = self._clock()
        self._chat.ask(self._said)
        self.poll_answer()

    def action_back(self) -> None:
        """Break the answer off; without one, close."""
        if self._is_answering():
            self._chat.cancel()
            self.poll_answer()
        else:
            self.dismiss(None)

    def action_begin_anew(self) -> None:
        """Forget the conversation."""
        self._chat.cancel()
        self._said = ()
        self._shown = None
        self.query_one(ChatLog).clear()
        self._say_status(ChatAnswer())

    def action_scroll(self, step: int) -> None:
        """A page up or down."""
        log = self.query_one(ChatLog)
        if step > 0:
            log.scroll_page_down(animate=False)
        else:
            log.scroll_page_up(animate=False)

    def _is_answering(self) -> bool:
        return bool(self._said) and self._chat.answer().status in UNDER_WAY

    def _say_status(self, answer: ChatAnswer) -> None:
        waited_s = max(0.0, self._clock() - self._asked_at)
        self.query_one("#chat-status", Static).update(Content(status_text(answer, waited_s)))


def status_text(answer: ChatAnswer, waited_s: float) -> str:
    """How the answer goes: how long its first token took, and how fast the others come."""
    match answer.status:
        case ChatStatus.IDLE:
            return "Nothing is sent until you press enter."
        case ChatStatus.WAITING:
            return f"waiting for the first token, {waited_s:.0f} s"
        case ChatStatus.ANSWERING | ChatStatus.DONE | ChatStatus.CANCELLED | ChatStatus.FAILED:
            return _numbers(answer)
        case _:
            assert_never(answer.status)


def _numbers(answer: ChatAnswer) -> str:
    parts = []
    if answer.first_token_s is not None:
        parts.append(f"first token {answer.first_token_s:.2f} s")
    if answer.tokens_per_s is not None and answer.tokens:
        parts.append(f"{format_rate(answer.tokens_per_s)} tok/s")
    if answer.tokens:
        parts.append(f"{answer.tokens} tokens")
    if answer.is_cut:
        parts.append("cut at the limit")
    return " · ".join(parts)
