"""A conversation with one instance, to see that it answers: one question at a time, the answer as it is made."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.clock import Clock
from engine.config.command import find_api_key
from engine.config.file import load_config
from engine.conversation import ChatAnswer, ChatMessage, ChatStatus
from engine.errors import EngineError, NoSuchInstanceError, NotRunningError, UnhealthyError
from engine.health.chores import Chores
from engine.health.http_answer import Reply
from engine.health.http_call import HttpRequest, HttpStream, explain_error, tidy
from engine.health.probes import LOADING_STATUS
from engine.health.resolver import Resolver
from engine.health.targets import ProbeKind, ProbeTarget
from engine.paths import Home
from engine.process.listeners import find_stranger
from engine.snapshots import Snapshot
from engine.sse import EventStream
from engine.supervision.watching import is_tls

PATH = "/v1/chat/completions"
MOST_TOKENS = 2048
"""An answer is cut here: a model that never ends its answer would talk until its context is full."""
ERROR_BYTES = 64 * 1024
BURST_BYTES = 16 << 20
"""What may come at once; the answer as a whole is not limited, as it is taken out piece by piece."""
CHORES_LIMIT_S = 0.2
CLOSE_LIMIT_S = 1.0
"""How long the end of a conversation is waited for; it ends at once unless a name server is slow."""
OK = 200
UNAUTHORIZED = 401
NO_SUCH_PATH = 404
END = "[DONE]"

FindTarget = Callable[[], ProbeTarget]
"""Whom to ask, and with which key. Called on a worker thread; raises EngineError when nobody can be asked."""


@dataclass(slots=True, eq=False)
class _Draft:
    """An answer as it grows. Guarded by the chat's lock."""

    status: ChatStatus = ChatStatus.WAITING
    asked_mono: float = 0.0
    first_mono: float | None = None
    last_mono: float = 0.0
    tokens: int = 0
    text: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    rate: float | None = None
    """Tokens per second as the server itself counts them, once it has."""
    is_finished: bool = False
    """The model has said all it had to say."""
    is_cut: bool = False
    error: str = ""
    version: int = 0
    """Grows with every change."""

    def build(self) -> ChatAnswer:
        """What a screen sees of it."""
        first_s = None if self.first_mono is None else self.first_mono - self.asked_mono
        span_s = 0.0 if self.first_mono is None else self.last_mono - self.first_mono
        measured = (self.tokens - 1) / span_s if self.tokens > 1 and span_s > 0 else None
        return ChatAnswer(
            status=self.status,
            text="".join(self.text),
            thoughts="".join(self.thoughts),
            tokens=self.tokens,
            first_token_s=first_s,
            tokens_per_s=self.rate if self.rate is not None else measured,
            is_cut=self.is_cut,
            error=self.error,
        )


class ServerChat:
    """Meets `engine.protocol.Chat`. Each question is asked by a thread of its own, with an event loop of its own."""

    def __init__(self, find_target: FindTarget, clock: Clock) -> None:
        self._find_target = find_target
        self._clock = clock
        self._lock = threading.Lock()
        self._draft = _Draft(status=ChatStatus.IDLE)
        self._built: tuple[_Draft, int, ChatAnswer] | None = None
        self._asking: _Asking | None = None
        self.is_closed = False
        """True once nobody wants its answers any more."""

    def ask(self, messages: tuple[ChatMessage, ...]) -> None:
        """Have the conversation answered; an answer under way is cancelled."""
        self.cancel()
        draft = _Draft(asked_mono=self._clock.monotonic())
        with self._lock:
            self._draft = draft
            self._asking = _Asking(self._find_target, messages, draft, self._lock, self._clock)
        self._asking.start()

    def answer(self) -> ChatAnswer:
        """The answer so far (the same object while nothing changed)."""
        with self._lock:
            draft = self._draft
            if self._built is None or self._built[:2] != (draft, draft.version):
                self._built = (draft, draft.version, draft.build())
            return self._built[2]

    def cancel(self) -> None:
        """Break the answer off. Returns at once."""
        if self._asking is not None:
            self._asking.cancel()

    def close(self) -> None:
        """Break off, and ask nothing more. Returns at once."""
        self.is_closed = True
        self.cancel()

    def join(self, timeout_s: float) -> None:
        """Wait until its thread has ended."""
        if self._asking is not None:
            self._asking.join(timeout_s)


class Chats:
    """The conversations of one console. Used by one thread."""

    def __init__(self) -> None:
        self._open: list[ServerChat] = []

    def open(self, find_server: FindTarget, clock: Clock) -> ServerChat:
        """One more."""
        chat = ServerChat(find_server, clock)
        self._open = [*(one for one in self._open if not one.is_closed), chat]
        return chat

    def close(self) -> None:
        """End them all."""
        for chat in self._open:
            chat.close()
            chat.join(CLOSE_LIMIT_S)


class _Asking:
    """One question and its thread."""

    def __init__(
        self,
        find_target: FindTarget,
        messages: tuple[ChatMessage, ...],
        draft: _Draft,
        lock: threading.Lock,
        clock: Clock,
    ) -> None:
        self._find_target = find_target
        self._messages = messages
        self._draft = draft
        self._lock = lock
        self._clock = clock
        self._events = EventStream()
        self._refusal = bytearray()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_cancelled = False
        self._thread = threading.Thread(target=self._run, name="chat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the end."""
        self._thread.join(timeout_s)

    def cancel(self) -> None:
        """Break off: the connection is closed, which frees the server's slot."""
        with self._lock:
            self._is_cancelled = True
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)
            if self._draft.status in (ChatStatus.WAITING, ChatStatus.ANSWERING):
                self._draft.status = ChatStatus.CANCELLED
                self._draft.version += 1

    def _run(self) -> None:
        try:
            target = self._find_target()
            asyncio.run(self._stream(target))
        except EngineError as error:
            self._end(ChatStatus.FAILED, str(error))
        except asyncio.CancelledError:
            self._end(ChatStatus.CANCELLED)
        except Exception as error:  # noqa: BLE001 - the top of a thread: the screen must hear of it
            self._end(ChatStatus.FAILED, f"asking failed: {error!r}")

    async def _stream(self, target: ProbeTarget) -> None:
        with self._lock:
            if self._is_cancelled:
                return
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        chores = Chores()
        call = HttpStream(_build_request(self._messages, target.api_key), self._take)
        try:
            reply = await call.run(await Resolver(chores).resolve(target.host), target)
        except OSError as error:
            detail = explain_error(error, target, PATH, 0.0).detail
            self._end(ChatStatus.FAILED, self._describe_break(tidy(detail, target.api_key)))
        except ValueError as error:
            self._end(ChatStatus.FAILED, f"its answer makes no sense: {tidy(str(error), target.api_key)}")
        else:
            self._conclude(reply, target)
        finally:
            with self._lock:
                self._loop = self._task = None
            chores.close(CHORES_LIMIT_S)

    def _take(self, status: int, piece: bytes) -> None:
        """A piece of the answer has come."""
        if status != OK:
            self._refusal += piece[: ERROR_BYTES - len(self._refusal)]
            return
        for event in self._events.feed(piece):
            if event.data == END:
                self._end(ChatStatus.DONE)
            else:
                self._read(event.data)

    def _read(self, data: str) -> None:
        """One event of the answer."""
        try:
            told = json.loads(data)
        except ValueError as error:
            raise ValueError("an event that is no JSON") from error
        if not isinstance(told, Mapping):
            raise ValueError("an event that is no object")  # noqa: TRY004 - what is wrong is the answer
        if "error" in told:
            self._end(ChatStatus.FAILED, _find_message(told) or "the server broke its answer off with an error")
            return
        choice = _first(told.get("choices"))
        delta = choice.get("delta")
        with self._lock:
            self._note_delta(delta if isinstance(delta, Mapping) else {})
            if reason := choice.get("finish_reason"):
                self._draft.is_finished = True
                self._draft.is_cut = reason == "length"
            timings = told.get("timings")
            rate = timings.get("predicted_per_second") if isinstance(timings, Mapping) else None
            if isinstance(rate, int | float) and self._draft.is_finished:
                self._draft.rate = float(rate)
            self._draft.version += 1

    def _note_delta(self, delta: Mapping[str, Any]) -> None:
        draft = self._draft
        for key, parts in (("content", draft.text), ("reasoning_content", draft.thoughts)):
            piece = delta.get(key)
            if isinstance(piece, str) and piece:
                draft.last_mono = self._clock.monotonic()
                draft.first_mono = draft.last_mono if draft.first_mono is None else draft.first_mono
                draft.tokens += 1
                parts.append(piece)
                if draft.status is ChatStatus.WAITING:
                    draft.status = ChatStatus.ANSWERING

    def _conclude(self, reply: Reply, target: ProbeTarget) -> None:
        """The connection has ended in good order, or the answer was cut off."""
        if reply.status != OK and not (reply.fault and not reply.status):
            message = tidy(_find_message(_parse(bytes(self._refusal))), target.api_key)
            self._end(ChatStatus.FAILED, _explain_status(reply.status, message))
        elif self._draft.is_finished:
            self._end(ChatStatus.DONE)
        elif reply.fault:
            self._end(ChatStatus.FAILED, self._describe_break(tidy(reply.fault, target.api_key)))
        else:
            self._end(ChatStatus.FAILED, self._describe_break("the connection was closed"))

    def _describe_break(self, reason: str) -> str:
        if self._draft.status is ChatStatus.ANSWERING:
            return f"the server went away in the middle of its answer: {reason}"
        return f"no answer: {reason}"

    def _end(self, status: ChatStatus, error: str = "") -> None:
        """The first end counts: what comes after it says nothing new."""
        with self._lock:
            if self._draft.status in (ChatStatus.WAITING, ChatStatus.ANSWERING):
                self._draft.status = status
                self._draft.error = error
                self._draft.version += 1


def find_target(home: Home, name: str, snapshot: Snapshot, environ: Mapping[str, str] = os.environ) -> ProbeTarget:
    """Where an instance can be asked, and with which key. Reads the configuration, and the key's file.

    Raises:
        NoSuchInstanceError: nobody has this name.
        NotRunningError: it does not run, or has no port.
        UnhealthyError: its port is answered by another program; the key is kept from that one.
        StartFailedError: the key's file cannot be read.
    """
    seen = snapshot.find(name)
    spec = load_config(home.config_file, environ).config.instances.get(name)
    if seen is None:
        raise NoSuchInstanceError(name)
    if seen.pid is None:
        raise NotRunningError(f"{name}: is {seen.state.value}; start it first")
    if seen.port is None:
        raise NotRunningError(f"{name}: has no port to be asked at")
    if stranger := find_stranger(seen.pid, seen.host, seen.port):
        who = stranger.describe()
        raise UnhealthyError(f"{name}: port {seen.port} is answered by {who}, not by this instance; end that one")
    return ProbeTarget(
        name,
        ProbeKind.HTTP,
        seen.host,
        seen.port,
        path=PATH,
        is_tls=spec is not None and is_tls(spec),
        api_key=find_api_key(name, spec, environ) if spec is not None else "",
    )


def _build_request(messages: tuple[ChatMessage, ...], api_key: str) -> HttpRequest:
    body = {
        "messages": [{"role": one.role.value, "content": one.text} for one in messages],
        "stream": True,
        "max_tokens": MOST_TOKENS,
    }
    return HttpRequest(PATH, "POST", json.dumps(body).encode(), api_key, BURST_BYTES)


def _explain_status(status: int, message: str) -> str:
    told = f": {message}" if message else ""
    if status == UNAUTHORIZED:
        return (
            f"the server refuses the API key{told}; it was started with another one than the file holds now: restart it"
        )
    if status == LOADING_STATUS:
        return f"the model is still loading{told}; ask again when it is ready"
    if status == NO_SUCH_PATH:
        return f"the server knows no {PATH}: it does not chat"
    return f"the server answered {status}{told}"


def _find_message(told: object) -> str:
    """The words of an error answer; empty when it has none."""
    error = told.get("error") if isinstance(told, Mapping) else None
    message = error.get("message") if isinstance(error, Mapping) else error
    return message if isinstance(message, str) else ""


def _parse(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _first(choices: object) -> Mapping[str, Any]:
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, Mapping) else {}
