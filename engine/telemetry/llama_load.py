"""What the answers of a llama.cpp server say about its work. Pure: bodies and moments in, numbers out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.loads import LlamaLoad

PREFIX = "llamacpp:"
METRICS_OFF = '/metrics is off: its queue is not known, and tokens/s are rough; add "--metrics" to its args'
SLOTS_OFF = "/slots is off: context use is not known; take --no-slots out of its args"


@dataclass(frozen=True, slots=True)
class Counters:
    """What /metrics tells."""

    prompt_tokens: float
    """Taken in since the server started, as far as batches are done."""
    made_tokens: float
    """Made since the server started; those of a request are added when it ends."""
    processing: int
    deferred: int


@dataclass(frozen=True, slots=True)
class SlotReading:
    """One slot, as /slots tells of it."""

    task: int
    """Which request it works on, or worked on last; -1 when that is not told."""
    is_busy: bool
    made_tokens: int
    """Made for the request under way."""
    prompt_tokens: int
    """Of the request under way: taken in so far."""
    held_tokens: int
    """In its part of the context now."""
    context_size: int


@dataclass(frozen=True, slots=True)
class Props:
    """What /props tells."""

    total_slots: int
    context_size: int
    """Of one slot."""
    is_asleep: bool


@dataclass(frozen=True, slots=True)
class Look:
    """What was read at one moment; None for what the server does not tell, or was not asked."""

    at: float
    """On the monotonic clock."""
    counters: Counters | None = None
    slots: tuple[SlotReading, ...] | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What is remembered of a server from one look to the next."""

    at: float
    prompt_tokens: float
    made_tokens: float
    """All that were made, those of unfinished requests included; never falls."""
    tasks: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """By request: how many tokens were taken in and made."""


def parse_metrics(text: str) -> Counters | None:
    """The counters of a /metrics answer; None when it is none of llama.cpp's."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name.startswith(PREFIX):
            try:
                found[name.removeprefix(PREFIX)] = float(value)
            except ValueError:  # a number of somebody else's making is not counted
                continue
    if "tokens_predicted_total" not in found:
        return None
    return Counters(
        found.get("prompt_tokens_total", 0.0),
        found["tokens_predicted_total"],
        _whole(found.get("requests_processing")),
        _whole(found.get("requests_deferred")),
    )


def parse_slots(told: object) -> tuple[SlotReading, ...] | None:
    """The slots of a parsed /slots answer; None when it is none."""
    if not isinstance(told, list):
        return None
    return tuple(_read_slot(slot) for slot in told if isinstance(slot, Mapping))


def parse_props(told: object) -> Props | None:
    """What a parsed /props answer says; None when it is none of llama.cpp's."""
    if not isinstance(told, Mapping) or "total_slots" not in told:
        return None
    settings = told.get("default_generation_settings")
    size = _whole(settings.get("n_ctx")) if isinstance(settings, Mapping) else 0
    return Props(_whole(told["total_slots"]), size, told.get("is_sleeping") is True)


def weigh(look: Look, props: Props, before: Tally | None, note: str = "") -> tuple[LlamaLoad, Tally]:
    """The numbers after a look, and what to remember for the next one."""
    tally = _count(look, before)
    span_s = look.at - before.at if before is not None else 0.0
    is_known = look.counters is not None or look.slots is not None
    prompt_rate = token_rate = None
    if before is not None and is_known and span_s > 0:
        prompt_rate = max(0.0, tally.prompt_tokens - before.prompt_tokens) / span_s
        token_rate = max(0.0, tally.made_tokens - before.made_tokens) / span_s
    fullest = max(look.slots or (), key=_fullness, default=None)
    return (
        LlamaLoad(
            prompt_tokens_per_s=prompt_rate,
            tokens_per_s=token_rate,
            busy_slots=_count_busy(look),
            total_slots=len(look.slots) if look.slots else props.total_slots or None,
            deferred=look.counters.deferred if look.counters is not None else None,
            context_used=fullest.held_tokens if fullest is not None else None,
            context_size=(fullest.context_size if fullest is not None else props.context_size) or None,
            is_asleep=props.is_asleep,
            note=note,
        ),
        tally,
    )


def _count(look: Look, before: Tally | None) -> Tally:
    """All tokens so far. Counters know the past, slots the requests under way; without counters, slots must do."""
    slots = look.slots or ()
    tasks = {slot.task: (slot.prompt_tokens, slot.made_tokens) for slot in slots if slot.is_busy}
    if look.counters is not None:
        prompts = look.counters.prompt_tokens
        made = look.counters.made_tokens + sum(tokens for _, tokens in tasks.values())
        if before is not None and not _is_restart(look.counters, before):
            # Between the two answers a request may have ended: its tokens are missed once, and found by the next look.
            made = max(made, before.made_tokens)
        return Tally(look.at, prompts, made, tasks)
    if before is None:
        return Tally(look.at, 0.0, 0.0, tasks)
    prompts, made = before.prompt_tokens, before.made_tokens
    for task, (taken, tokens) in tasks.items():
        known = before.tasks.get(task, (0, 0))
        prompts += max(0, taken - known[0])
        made += max(0, tokens - known[1])
    return Tally(look.at, prompts, made, tasks)


def _is_restart(counters: Counters, before: Tally) -> bool:
    """True when the server counts from the beginning again, as after a sleep."""
    return counters.prompt_tokens < before.prompt_tokens


def _count_busy(look: Look) -> int | None:
    if look.slots is not None:
        return sum(slot.is_busy for slot in look.slots)
    return look.counters.processing if look.counters is not None else None


def _fullness(slot: SlotReading) -> float:
    return slot.held_tokens / slot.context_size if slot.context_size else 0.0


def _read_slot(slot: Mapping[str, object]) -> SlotReading:
    steps = slot.get("next_token")
    step = steps[0] if isinstance(steps, list) and steps else steps
    made = _whole(step.get("n_decoded")) if isinstance(step, Mapping) else 0
    taken = _whole(slot.get("n_prompt_tokens_processed"))
    task = slot.get("id_task")
    return SlotReading(
        task=task if isinstance(task, int) else -1,
        is_busy=slot.get("is_processing") is True,
        made_tokens=made,
        prompt_tokens=taken,
        held_tokens=_whole(slot.get("n_prompt_tokens")),
        context_size=_whole(slot.get("n_ctx")),
    )


def _whole(value: object) -> int:
    """A number of the server's as a whole one; 0 for anything else."""
    return int(value) if isinstance(value, int | float) and abs(value) < 1e15 else 0
