"""Questions to a model rather than to its server: the warm-up's first token, and whether a slot is busy."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from engine.health.answers import Answer, ProbeResult
from engine.health.http_answer import Reply
from engine.health.http_call import HttpAsker, HttpRequest
from engine.health.probes import LOADING_STATUS
from engine.health.slots import Busy
from engine.health.targets import ProbeTarget

COMPLETION_LIMIT_S = 30.0
"""A first token on a cold cache takes longer than a health check; a longer time-out of the checks goes before this."""
LOOK_LIMIT_S = 10.0
"""Old servers answer /slots only behind the batch that they work on."""
DEEP_PROMPT = "Hello"
JSON_LIMIT = 1 << 20
OK = 200

_COMPLETION = ("/completion", "prompt", "content")
_EMBEDDING = ("/embedding", "content", "embedding")


async def complete(asker: HttpAsker, target: ProbeTarget, prompt: str, timeout_s: float) -> ProbeResult:
    """Have the model make one token (one embedding, where it makes no tokens); its time is the first token's."""
    path, question, answer = _EMBEDDING if target.is_embedding else _COMPLETION
    wish = {question: prompt} if target.is_embedding else {question: prompt, "n_predict": 1, "stream": False}
    body = json.dumps(wish).encode()
    request = HttpRequest(path, "POST", body, api_key=target.api_key, body_limit=JSON_LIMIT)
    began = time.perf_counter()
    reply = await asker.ask(target, request, timeout_s)
    latency_s = time.perf_counter() - began
    if isinstance(reply, ProbeResult):
        return reply
    if reply.status == LOADING_STATUS:
        return ProbeResult(Answer.LOADING, latency_s, f"{path} answered {reply.status}")
    if reply.status != OK:
        return ProbeResult(Answer.WRONG, latency_s, f"{path} answered {reply.status}{_read_error(reply)}")
    if not _holds(parse_json(reply), answer):
        return ProbeResult(Answer.WRONG, latency_s, f"{path} answered {reply.status} without a completion")
    return ProbeResult(Answer.HEALTHY, latency_s, first_token_s=latency_s)


async def is_sleeping(asker: HttpAsker, target: ProbeTarget) -> bool:
    """True while the server has put its model away for want of work; asking this wakes it not."""
    reply = await look_at(asker, target, "/props")
    told = parse_json(reply) if isinstance(reply, Reply) else None
    return isinstance(told, Mapping) and told.get("is_sleeping") is True


async def find_busy_slots(asker: HttpAsker, target: ProbeTarget) -> tuple[Busy, ...] | str:
    """The slots at work, each with how far it is; or why that cannot be known. Wakes a server that sleeps."""
    reply = await look_at(asker, target, "/slots")
    if isinstance(reply, ProbeResult):
        return reply.detail
    told = parse_json(reply)
    if reply.status != OK or not isinstance(told, list):
        return f"/slots answered {reply.status}"
    slots = [slot for slot in told if isinstance(slot, Mapping) and slot.get("is_processing")]
    return tuple(_read_slot(slot) for slot in slots)


def _read_slot(slot: Mapping[str, Any]) -> Busy:
    steps = slot.get("next_token")
    step = steps[0] if isinstance(steps, list) and steps else steps
    decoded = step.get("n_decoded") if isinstance(step, Mapping) else None
    keys = ("id", "id_task", "n_prompt_tokens", "n_prompt_tokens_processed")
    return tuple(int(value) if isinstance(value, int) else 0 for value in (*map(slot.get, keys), decoded))


async def look_at(asker: HttpAsker, target: ProbeTarget, path: str) -> Reply | ProbeResult:
    """The answer to a GET with the key, however long an old server takes; or why there is none."""
    request = HttpRequest(path, api_key=target.api_key, body_limit=JSON_LIMIT)
    return await asker.ask(target, request, max(target.timeout_s, LOOK_LIMIT_S))


def parse_json(reply: Reply) -> Any:  # noqa: ANN401 - whatever the server sent
    """The JSON value of an answer; None when it is no JSON."""
    try:
        return json.loads(reply.body)
    except ValueError:
        return None


def _holds(told: object, key: str) -> bool:
    if isinstance(told, list):  # embeddings come as a list with one entry for each text
        return bool(told) and _holds(told[0], key)
    return isinstance(told, Mapping) and key in told


def _read_error(reply: Reply) -> str:
    """llama-server's own words about what is wrong, after a colon."""
    told = parse_json(reply)
    error = told.get("error") if isinstance(told, Mapping) else None
    message = error.get("message") if isinstance(error, Mapping) else None
    return f": {message}" if isinstance(message, str) else ""
