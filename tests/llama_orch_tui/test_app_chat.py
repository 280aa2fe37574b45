"""The chat over the dashboard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.conversation import ChatAnswer, ChatMessage, ChatRole, ChatStatus
from llama_orch_tui.screens.chat import ChatScreen, status_text
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import TRIO, engine_of, snapshot
from tests.fakes.still_engine import StillChat
from widgets.chat_log import answer_content

DONE = ChatAnswer(ChatStatus.DONE, "Fine, [bold]thanks[/nope].", "", 12, 0.214, 41.5)


async def open_chat(operator: Operator) -> StillChat:
    await operator.press("c")
    await operator.until_shown("Chat · chat")
    return operator.engine.chats[-1]


async def ask(operator: Operator, *keys: str) -> None:
    await operator.press(*keys, "enter")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_c_asks_and_shows_the_answer_as_it_comes_with_its_speed(size: tuple[int, int]) -> None:
    async def script(operator: Operator) -> None:
        chat = await open_chat(operator)
        await ask(operator, "h", "i")
        assert chat.asked == [(ChatMessage(ChatRole.USER, "hi"),)]
        await operator.until_shown("› hi")
        await operator.until_shown("waiting for the first token")
        chat.published = ChatAnswer(ChatStatus.ANSWERING, "Fine, ", "", 1, 0.214)
        await operator.until_shown("Fine, ▌")
        chat.published = DONE
        await operator.until_shown("Fine, [bold]thanks[/nope].")
        await operator.until_shown("first token 0.21 s · 42 tok/s · 12 tokens")

    drive(engine_of(snapshot(TRIO)), script, size=size)


def test_the_conversation_goes_along_with_the_next_question_until_it_is_begun_anew() -> None:
    async def script(operator: Operator) -> None:
        chat = await open_chat(operator)
        await ask(operator, "a")
        chat.published = DONE
        await operator.until_shown("thanks")
        await ask(operator, "b")
        said = ChatMessage(ChatRole.ASSISTANT, DONE.text)
        assert chat.asked[1] == (ChatMessage(ChatRole.USER, "a"), said, ChatMessage(ChatRole.USER, "b"))
        await operator.press("ctrl+n")
        await operator.until_gone("thanks")
        await ask(operator, "c")
        assert chat.asked[2] == (ChatMessage(ChatRole.USER, "c"),)

    drive(engine_of(snapshot(TRIO)), script)


def test_escape_breaks_an_answer_off_and_then_closes() -> None:
    async def script(operator: Operator) -> None:
        chat = await open_chat(operator)
        await ask(operator, "a")
        await operator.press("escape")
        assert chat.published.status is ChatStatus.CANCELLED
        await operator.until_shown("(broken off)")
        await operator.press("escape")
        await operator.until(lambda: not isinstance(operator.app.screen, ChatScreen))
        assert chat.is_closed

    drive(engine_of(snapshot(TRIO)), script)


def test_nothing_is_asked_while_an_answer_is_under_way_or_nothing_is_typed() -> None:
    async def script(operator: Operator) -> None:
        chat = await open_chat(operator)
        await ask(operator, "space")
        await ask(operator, "a")
        await ask(operator, "b")
        assert len(chat.asked) == 1

    drive(engine_of(snapshot(TRIO)), script)


def test_an_error_is_shown_literally_under_what_came() -> None:
    async def script(operator: Operator) -> None:
        chat = await open_chat(operator)
        await ask(operator, "a")
        chat.published = ChatAnswer(ChatStatus.FAILED, "So f\x1b[31mar", error="the server [went] away")
        await operator.until_shown("So far")
        await operator.until_shown("✗ the server [went] away")

    drive(engine_of(snapshot(TRIO)), script)


def test_an_answer_without_words_says_so() -> None:
    async def script(operator: Operator) -> None:
        chat = await open_chat(operator)
        await ask(operator, "a")
        chat.published = ChatAnswer(ChatStatus.DONE)
        await operator.until_shown("no words")

    drive(engine_of(snapshot(TRIO)), script)


def test_letters_typed_into_the_chat_are_no_keys_and_a_long_answer_scrolls() -> None:
    async def script(operator: Operator) -> None:
        chat = await open_chat(operator)
        await ask(operator, "q", "x", "s")
        assert operator.engine.submitted == []
        chat.published = replace(DONE, text="\n".join(f"line {number}" for number in range(200)))
        await operator.until_shown("line 199")
        await operator.press("pageup", "pageup")
        await operator.until_gone("line 199")
        await operator.press("pagedown", "pagedown", "pagedown")
        await operator.until_shown("line 199")

    drive(engine_of(snapshot(TRIO)), script)


def test_an_instance_that_does_not_run_is_not_asked() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("end", "c")
        assert operator.engine.chats == []
        assert ("warning", "code is stopped: start it first.") in operator.told()

    drive(engine_of(snapshot(TRIO)), script)


@pytest.mark.parametrize("status", list(ChatStatus))
def test_every_status_has_words(status: ChatStatus) -> None:
    assert status_text(replace(DONE, status=status, is_cut=True), 3.0)


def test_an_answer_without_words_has_no_speed() -> None:
    assert "tok/s" not in status_text(replace(DONE, tokens=0, tokens_per_s=0.0), 3.0)


def test_the_blank_that_many_models_begin_with_does_not_indent_the_answer() -> None:
    assert answer_content(replace(DONE, text=" Because.")).plain == "Because."
