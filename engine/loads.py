"""What servers, their processes and GPUs have to do, as snapshots carry it: frozen data, standard library only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LlamaLoad:
    """What a llama.cpp server has to do. None is what it does not tell."""

    prompt_tokens_per_s: float | None = None
    """Taken in since the last look, over all slots; tokens from the cache do not count."""
    tokens_per_s: float | None = None
    """Made since the last look, over all slots."""
    busy_slots: int | None = None
    total_slots: int | None = None
    deferred: int | None = None
    """Requests that wait for a slot."""
    context_used: int | None = None
    """Tokens in the fullest slot."""
    context_size: int | None = None
    """Tokens that this slot can hold."""
    is_asleep: bool = False
    """It has put its model away for want of work; the next request wakes it."""
    note: str = ""
    """Why something is not told, and what to do about it."""


@dataclass(frozen=True, slots=True)
class GpuLoad:
    """One GPU."""

    index: int
    """As the driver counts them."""
    name: str
    memory_used_bytes: int
    memory_total_bytes: int
    busy_percent: float | None = None
    """Share of the last moment in which it worked, 0 to 100."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run's tree uses."""

    cpu_percent: float
    """100 is one core."""
    memory_bytes: int
    gpu_memory_bytes: int | None = None
    """None where no GPU tells."""
