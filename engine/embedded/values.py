"""Turns a flag's text into the value that llama.cpp's parameters take.

Every converter raises ValueError with a sentence for the operator. None needs xllamacpp: a member of one of its
enums is named by `Member` and looked up when the parameters are filled in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Converter = Callable[[str], object]

INT32_MAX = 2**31 - 1
RANDOM_SEED = 2**32 - 1
"""llama.cpp's word for a seed of its own choosing."""
MAX_DEVICES = 16
"""How many memory targets llama.cpp keeps, one for each device."""
MAX_TENSOR_SPLITS = 128
MAX_LAYERS = 1024
"""More than any model has: bounds the text that is built for them."""
MAX_PORT = 65535
MIB = 1 << 20
EXPERT_TENSORS = r"\.ffn_(up|down|gate|gate_up)_(ch|)exps"
"""The names of the tensors of a mixture of experts, as llama.cpp matches them."""

TRUE_WORDS = frozenset({"on", "enabled", "true", "1"})
FALSE_WORDS = frozenset({"off", "disabled", "false", "0"})
AUTO_WORDS = frozenset({"auto", "-1"})


@dataclass(frozen=True, slots=True)
class Member:
    """A member of one of xllamacpp's enums, by name."""

    enum: str
    name: str


@dataclass(frozen=True, slots=True)
class Adapters:
    """LoRA adapters: pairs of path and scale."""

    entries: tuple[tuple[str, float], ...]


def text(value: str) -> str:
    """The text as it is."""
    return value


def integer(value: str) -> int:
    """A whole number of 32 bits."""
    try:
        number = int(value)
    except ValueError:
        raise ValueError(f"expected a whole number, not {value!r}") from None
    if not -INT32_MAX - 1 <= number <= INT32_MAX:
        raise ValueError(f"{value} is out of range")
    return number


def number(value: str) -> float:
    """A number with or without a fraction."""
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"expected a number, not {value!r}") from None


def integer_between(low: int, high: int) -> Converter:
    """A converter for whole numbers from `low` to `high`, both included."""

    def convert(value: str) -> int:
        wanted = integer(value)
        if not low <= wanted <= high:
            raise ValueError(f"{wanted} is not in {low}..{high}")
        return wanted

    return convert


def slots(value: str) -> int:
    """How many requests run side by side; negative is auto."""
    wanted = integer(value)
    if wanted == 0:
        raise ValueError("0 slots serve nobody; give 1 or more, or -1 for auto")
    return wanted


def seed(value: str) -> int:
    """A seed of 32 bits without sign; negative is random."""
    try:
        wanted = int(value)
    except ValueError:
        raise ValueError(f"expected a whole number, not {value!r}") from None
    if not -1 <= wanted <= RANDOM_SEED:
        raise ValueError(f"{value} is not in -1..{RANDOM_SEED}")
    return wanted if wanted >= 0 else RANDOM_SEED


def threads(value: str) -> int:
    """A thread count; 0 and less mean one for each processor, because llama.cpp aborts on 0."""
    wanted = integer(value)
    return wanted if wanted > 0 else processor_count()


def processor_count() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpu_layers(value: str) -> int:
    """How many layers go to the GPU, or `auto`, or `all`."""
    words = {"auto": -1, "all": -2}
    return words[value] if value in words else integer(value)


def words(value: str) -> list[str]:
    """Words that stand between commas."""
    return [word.strip() for word in value.split(",") if word.strip()]


def hosts(value: str) -> list[str]:
    """The addresses to listen on, between commas."""
    found = words(value)
    if not found:
        raise ValueError("expected an address, for example 127.0.0.1")
    return found


def word_set(value: str) -> set[str]:
    """Words that stand between commas, in no order."""
    return set(words(value))


def numbers(value: str) -> list[float]:
    """Shares of a model for each device, filled up with zeros to the length that llama.cpp keeps."""
    shares = [number(word) for word in words(value.replace("/", ","))]
    if len(shares) > MAX_TENSOR_SPLITS:
        raise ValueError(f"{len(shares)} shares are more than {MAX_TENSOR_SPLITS} devices")
    return shares + [0.0] * (MAX_TENSOR_SPLITS - len(shares))


def memory_targets(value: str) -> list[int]:
    """MiB to leave free on each device; one value holds for all of them. Given in bytes."""
    targets = [integer(word) * MIB for word in words(value)]
    if not targets or len(targets) > MAX_DEVICES:
        raise ValueError(f"expected 1 to {MAX_DEVICES} numbers of MiB, not {value!r}")
    return targets * MAX_DEVICES if len(targets) == 1 else targets + [0] * (MAX_DEVICES - len(targets))


def switch(value: str) -> bool:
    """`on` or `off`, and their other spellings."""
    if value in TRUE_WORDS:
        return True
    if value in FALSE_WORDS:
        return False
    raise ValueError(f"unknown value {value!r}; expected on or off")


def choice(enum: str, names: Mapping[str, str]) -> Converter:
    """A converter from one of the words in `names` to the member of `enum` that it stands for."""

    def convert(value: str) -> Member:
        if value not in names:
            raise ValueError(f"unknown value {value!r}; expected one of {', '.join(names)}")
        return Member(enum, names[value])

    return convert


def flash_attention(value: str) -> Member:
    """`on`, `off` or `auto`. The value is required: a bare flag would swallow the next one."""
    for spellings, member in ((TRUE_WORDS, "ENABLED"), (FALSE_WORDS, "DISABLED"), (AUTO_WORDS, "AUTO")):
        if value in spellings:
            return Member("llama_flash_attn_type", f"LLAMA_FLASH_ATTN_TYPE_{member}")
    raise ValueError(f"unknown value {value!r}; expected on, off or auto")


def cache_type(value: str) -> Member:
    """The number format of the KV cache."""
    known = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")
    if value not in known:
        raise ValueError(f"Unsupported cache type: {value}; expected one of {', '.join(known)}")
    return Member("ggml_type", f"GGML_TYPE_{value.upper()}")


def file_text(value: str) -> str:
    """What the named file holds."""
    try:
        return Path(value).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"failed to open file {value!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"file {value!r} is not UTF-8 text") from None


def file_lines(value: str) -> list[str]:
    """The lines of the named file that hold something."""
    return [line.strip() for line in file_text(value).splitlines() if line.strip()]


def adapters(value: str) -> Adapters:
    """LoRA files, each in full strength."""
    return Adapters(tuple((path, 1.0) for path in words(value)))


def scaled_adapters(value: str) -> Adapters:
    """LoRA files with a strength each: `FILE:SCALE`."""
    entries = []
    for entry in words(value):
        path, colon, scale = entry.rpartition(":")
        if not colon:
            raise ValueError(f"expected FILE:SCALE, not {entry!r}")
        entries.append((path, number(scale)))
    return Adapters(tuple(entries))


def experts_on_cpu(value: str) -> str:
    """Keeps the experts of the first N layers in the processor's memory."""
    layers = integer(value)
    if not 0 <= layers <= MAX_LAYERS:
        raise ValueError(f"{layers} is not in 0..{MAX_LAYERS}")
    return ",".join(rf"blk\.{layer}{EXPERT_TENSORS}=CPU" for layer in range(layers))
