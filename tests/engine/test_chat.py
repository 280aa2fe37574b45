"""Conversations: with llama.cpp itself, and with servers that break off."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.chat import MOST_TOKENS, PATH, ServerChat, find_target
from engine.clock import Clock
from engine.conversation import ChatAnswer, ChatMessage, ChatRole, ChatStatus
from engine.errors import NoSuchInstanceError, NotRunningError, UnhealthyError
from engine.health.targets import ProbeKind, ProbeTarget
from engine.models.tiny_gguf import make_tiny_model
from engine.snapshots import Act, InstanceSnapshot, Snapshot, State
from tests.engine.embedded.server_process import ServerProcess
from tests.engine.health.raw_servers import raw_server
from tests.fakes.homes import ThrowAwayHome, act, free_port, kill, seen, throw_away_home, wait_for_state
from tests.fakes.waiting import wait_until

UNDER_WAY = (ChatStatus.WAITING, ChatStatus.ANSWERING)
QUESTION = (ChatMessage(ChatRole.USER, "Say [something] \x1b[31mlong"),)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose context is so long that an answer goes on until it is cut."""
    return make_tiny_model(tmp_path_factory.mktemp("models") / "endless.gguf", context_length=1 << 17)


@pytest.fixture
def den() -> Iterator[ThrowAwayHome]:
    with throw_away_home() as made:
        yield made


@pytest.fixture
def open_chat() -> Iterator[Callable[..., ServerChat]]:
    """Conversations with whoever listens on a port of this machine."""
    opened: list[ServerChat] = []

    def open_one(port: int, api_key: str = "") -> ServerChat:
        target = ProbeTarget("x", ProbeKind.HTTP, "127.0.0.1", port, path=PATH, api_key=api_key)
        opened.append(ServerChat(lambda: target, Clock()))
        return opened[-1]

    yield open_one
    for chat in opened:
        chat.close()
        chat.join(5.0)


def finished(chat: ServerChat) -> ChatAnswer:
    """The answer once it has come to an end."""
    assert wait_until(lambda: chat.answer().status not in UNDER_WAY), chat.answer()
    return chat.answer()


def chunk(data: str) -> bytes:
    body = f"data: {data}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(body), body)


def speaking(*chunks: bytes, head: bytes = HEAD) -> Callable[[socket.socket, bytes, threading.Event], None]:
    """A server that says this and closes the connection."""

    def behave(client: socket.socket, _asked: bytes, _over: threading.Event) -> None:
        client.sendall(head + b"".join(chunks))

    return behave


HELLO = chunk('{"choices": [{"delta": {"role": "assistant", "content": null}}]}') + chunk(
    '{"choices": [{"delta": {"content": "Hello"}}]}'
)


@pytest.mark.real
def test_a_real_model_answers_with_its_speed_and_is_cut_at_the_limit(
    tmp_path: Path, model: Path, open_chat: Callable[..., ServerChat]
) -> None:
    env = {"LLAMA_API_KEY": "sekret"}
    with ServerProcess(tmp_path, "-m", str(model), "-t", "1", "-c", "8192", "--ignore-eos", env=env) as server:
        server.wait_for(200)
        chat = open_chat(server.port, "sekret")
        assert chat.answer() == ChatAnswer()
        chat.ask(QUESTION)
        answer = finished(chat)

    assert answer.status is ChatStatus.DONE, answer
    assert answer.text
    assert 1 < answer.tokens <= MOST_TOKENS
    assert (answer.tokens_per_s or 0) > 0
    assert (answer.first_token_s or 0) > 0


@pytest.mark.real
def test_breaking_off_frees_the_servers_slot(tmp_path: Path, model: Path, open_chat: Callable[..., ServerChat]) -> None:
    with ServerProcess(tmp_path, "-m", str(model), "-t", "1", "-np", "1", "-c", "65536", "--ignore-eos") as server:
        server.wait_for(200)
        chat = open_chat(server.port)
        chat.ask(QUESTION)
        assert wait_until(lambda: chat.answer().tokens > 0 or chat.answer().status not in UNDER_WAY)
        chat.cancel()

        assert finished(chat).status in (ChatStatus.CANCELLED, ChatStatus.DONE)
        assert wait_until(lambda: not any(slot["is_processing"] for slot in server.ask("/slots")[1]))


@pytest.mark.real
def test_a_wrong_key_is_explained_and_never_told(
    tmp_path: Path, model: Path, open_chat: Callable[..., ServerChat]
) -> None:
    with ServerProcess(tmp_path, "-m", str(model), "-t", "1", env={"LLAMA_API_KEY": "sekret"}) as server:
        server.wait_for(200)
        chat = open_chat(server.port, "wrongkey")
        chat.ask(QUESTION)
        answer = finished(chat)

    assert answer.status is ChatStatus.FAILED
    assert "refuses the API key" in answer.error
    assert "Invalid API Key" in answer.error
    assert "wrongkey" not in repr(answer)


@pytest.mark.parametrize(
    ("chunks", "status", "text", "error"),
    [
        pytest.param((HELLO, chunk("[DONE]"), b"0\r\n\r\n"), ChatStatus.DONE, "Hello", "", id="whole"),
        pytest.param(
            (HELLO, chunk('{"choices": [{"delta": {}, "finish_reason": "stop"}]}'), b"0\r\n\r\n"),
            ChatStatus.DONE,
            "Hello",
            "",
            id="finished without the last word",
        ),
        pytest.param(
            (HELLO,), ChatStatus.FAILED, "Hello", "the server went away in the middle of its answer", id="dies"
        ),
        pytest.param((), ChatStatus.FAILED, "", "no answer: ", id="dies before the first token"),
        pytest.param(
            (HELLO, chunk('{"error": {"message": "out of memory", "code": 500}}')),
            ChatStatus.FAILED,
            "Hello",
            "out of memory",
            id="an error on the way",
        ),
        pytest.param((chunk("no json"),), ChatStatus.FAILED, "", "makes no sense", id="nonsense"),
        pytest.param((chunk("[1]"),), ChatStatus.FAILED, "", "makes no sense", id="another thing"),
    ],
)
def test_every_end_of_an_answer_is_told(
    open_chat: Callable[..., ServerChat], chunks: tuple[bytes, ...], status: ChatStatus, text: str, error: str
) -> None:
    with raw_server(speaking(*chunks)) as server:
        chat = open_chat(server.port)
        chat.ask(QUESTION)
        answer = finished(chat)

    assert (answer.status, answer.text) == (status, text)
    assert error in answer.error
    assert bool(answer.error) is (status is ChatStatus.FAILED)


@pytest.mark.parametrize(
    ("line", "body", "words"),
    [
        ("503 x", '{"error": {"message": "Loading model"}}', "still loading: Loading model"),
        ("400 x", '{"error": {"message": "too long"}}', "answered 400: too long"),
        ("500 x", "oops sekret", "answered 500"),
        ("500 x", '{"error": "your sekret is bad"}', "answered 500: your *** is bad"),
        ("404 x", "", "it does not chat"),
    ],
)
def test_a_refusal_is_told_with_the_servers_words(
    open_chat: Callable[..., ServerChat], line: str, body: str, words: str
) -> None:
    head = f"HTTP/1.1 {line}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    with raw_server(speaking(head=head)) as server:
        chat = open_chat(server.port, "sekret")
        chat.ask(QUESTION)
        answer = finished(chat)

    assert words in answer.error
    assert "sekret" not in answer.error


def test_nobody_there_is_told(open_chat: Callable[..., ServerChat]) -> None:
    port = free_port()
    chat = open_chat(port)
    chat.ask(QUESTION)

    assert finished(chat).error == f"no answer: nobody listens on port {port}"


def test_a_long_answer_that_comes_in_one_burst_is_read_to_its_end(open_chat: Callable[..., ServerChat]) -> None:
    words = 20_000
    with raw_server(speaking(HELLO * words, chunk("[DONE]"), b"0\r\n\r\n")) as server:
        chat = open_chat(server.port)
        chat.ask(QUESTION)
        answer = finished(chat)

    assert (answer.status, answer.tokens) == (ChatStatus.DONE, words), answer.error


def test_what_the_model_thinks_is_kept_apart(open_chat: Callable[..., ServerChat]) -> None:
    thought = chunk('{"choices": [{"delta": {"reasoning_content": "hmm"}}]}')
    with raw_server(speaking(thought, HELLO, chunk("[DONE]"))) as server:
        chat = open_chat(server.port)
        chat.ask(QUESTION)
        answer = finished(chat)

    assert (answer.thoughts, answer.text, answer.tokens) == ("hmm", "Hello", 2)


def test_a_second_question_takes_the_place_of_the_first(open_chat: Callable[..., ServerChat]) -> None:
    def behave(client: socket.socket, asked: bytes, over: threading.Event) -> None:
        client.sendall(HEAD + HELLO)
        if b"again" in asked:
            client.sendall(chunk("[DONE]") + b"0\r\n\r\n")
        else:
            over.wait(20)

    with raw_server(behave) as server:
        chat = open_chat(server.port)
        chat.ask(QUESTION)
        assert wait_until(lambda: chat.answer().text == "Hello")
        chat.ask((ChatMessage(ChatRole.USER, "again"),))

        assert finished(chat).status is ChatStatus.DONE


def test_a_conversation_finds_its_server_only_while_it_runs_and_is_ours(den: ThrowAwayHome) -> None:
    den.write_config('[instances.a]\nmodel = "x.gguf"\napi_key = "sekret"\n')
    listener = socket.create_server(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])

    def of(**settings: object) -> Snapshot:
        return Snapshot(instances=(InstanceSnapshot("a", host="127.0.0.1", **settings),))  # type: ignore[arg-type]

    with listener:
        assert find_target(den.home, "a", of(pid=os.getpid(), port=port)).api_key == "sekret"
        with pytest.raises(NoSuchInstanceError):
            find_target(den.home, "b", of())
        with pytest.raises(NotRunningError, match="a: is stopped; start it first"):
            find_target(den.home, "a", of())
        with pytest.raises(NotRunningError, match="no port"):
            find_target(den.home, "a", of(pid=os.getpid()))
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
            with pytest.raises(UnhealthyError, match="is answered by"):
                find_target(den.home, "a", of(pid=other.pid, port=port))
            other.communicate(b"\n")


@pytest.mark.real
def test_a_follower_talks_too_and_hears_when_the_server_is_killed(den: ThrowAwayHome, model: Path) -> None:
    den.write_config(
        f'[instances.a]\nmodel = "{model}"\nbinary = "embedded"\nthreads = 1\nport = "auto"\napi_key = "sekret"\n'
        'args = ["--ignore-eos"]\n[instances.a.healthcheck]\ninterval = 0.5\n'
        '[instances.a.restart_policy]\npolicy = "never"\n'
    )
    leader = den.open_session()
    assert act(leader, Act.START, "a").exit_code == 0
    wait_for_state(leader, "a", State.READY, within_s=30.0)
    follower = den.open_session()
    assert wait_until(lambda: seen(follower, "a").state is State.READY)

    chat = follower.open_chat("a")
    chat.ask(QUESTION)
    assert wait_until(lambda: chat.answer().tokens > 0), chat.answer()
    kill(seen(leader, "a").pid or 0)

    assert wait_until(lambda: chat.answer().status not in UNDER_WAY)
    answer = chat.answer()
    assert answer.status is ChatStatus.DONE or "went away in the middle" in answer.error, answer
    wait_for_state(follower, "a", State.FAILED)
    chat.ask(QUESTION)
    assert wait_until(lambda: "start it first" in chat.answer().error), chat.answer()
