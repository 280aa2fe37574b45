"""Reads what a GGUF file says of itself in its header: a few facts, bounded whatever the file holds.

Only the standard library, and never more than `MAX_HEADER_BYTES` of a file: a damaged or hostile one costs a
moment and ends in a `GgufError`.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.errors import EngineError

MAGIC = b"GGUF"
VERSIONS = range(2, 4)
"""Version 1 has been gone since 2023; no server of today reads it."""
MAX_KEYS = 65_536
MAX_KEY_BYTES = 65_535
MAX_TEXT_BYTES = 1 << 20
"""A text of ours longer than this is no name: it is passed over."""
MAX_HEADER_BYTES = 256 << 20
"""Headers of the largest vocabularies have about 30 MiB."""
MAX_LIST_ITEMS = 4_000_000
"""Texts in one list; they must be passed over one by one."""
CHUNK_BYTES = 1 << 18

_TEXT, _LIST = 8, 9
_FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

FILE_TYPES = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4_MOE",
}
"""llama.cpp's `general.file_type`."""

_WANTED = frozenset(
    [
        "general.architecture",
        "general.type",
        "general.name",
        "general.size_label",
        "general.file_type",
        "split.no",
        "split.count",
    ]
)
_WANTED_ENDS = (".context_length", ".block_count")


class GgufError(EngineError):
    """A file is no GGUF model, or its header is damaged; the message names the file and the fix."""


@dataclass(frozen=True, slots=True)
class GgufInfo:
    """What a header says; empty or None where it says nothing."""

    architecture: str = ""
    kind: str = ""
    """`general.type`: ``model``, ``adapter``, ``mmproj`` …"""
    name: str = ""
    size_label: str = ""
    """How many weights, as in ``4B`` or ``8x7B``."""
    file_type: int | None = None
    context_length: int | None = None
    """Tokens that the model was trained with."""
    block_count: int | None = None
    """Layers."""
    split_number: int | None = None
    """Which part of a model in several files this is, from 0."""
    split_count: int | None = None
    tensor_count: int = 0

    @property
    def quantisation(self) -> str:
        """As in ``Q4_K_M``; empty when the header says none that is known."""
        return "" if self.file_type is None else FILE_TYPES.get(self.file_type, "")


def read_gguf(path: Path, *, past_lists: bool = True) -> GgufInfo:
    """What the header of `path` says.

    Without `past_lists` reading ends at the first list of texts (the vocabulary): quicker, but what a quantising
    tool wrote behind it, `file_type` among it, is not seen.

    Raises:
        GgufError: it is no GGUF file that can be read, or is damaged.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # before it is opened: opening a FIFO would wait for a writer
            raise GgufError(f"{path}: is not a file; name the .gguf file itself")
        with path.open("rb", buffering=0) as file:
            return _read(_Source(path, file), past_lists=past_lists)
    except OSError as error:
        raise GgufError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:
        raise GgufError(f"{path!s}: is no path that can be opened; choose another") from error


def _read(source: _Source, *, past_lists: bool) -> GgufInfo:
    magic = source.take(4, "its first bytes")
    if magic != MAGIC:
        raise source.fail("is no GGUF file", "download it again, or convert it to GGUF")
    version = source.number("I", "its version")
    if version not in VERSIONS:
        if int.from_bytes(version.to_bytes(4, "little"), "big") in VERSIONS:
            raise source.fail("is a big-endian GGUF file", "fetch the little-endian one")
        raise source.fail(f"is GGUF version {version}, which is not known here", "fetch it in version 3")
    tensors = source.number("Q", "its count of tensors")
    keys = source.number("Q", "its count of keys")
    if keys > MAX_KEYS:
        raise source.damaged(f"claims {keys} keys")
    found: dict[str, object] = {}
    for _ in range(keys):
        key = source.text(MAX_KEY_BYTES, "a key")
        kind = source.number("I", f"the type of {key!r}")
        if kind == _LIST and not past_lists and source.is_list_of_texts():
            break
        value = source.value(kind, key, is_wanted=key in _WANTED or key.endswith(_WANTED_ENDS))
        if value is not None:
            found[key] = value
    return _sum_up(found, tensors)


def _sum_up(found: Mapping[str, object], tensors: int) -> GgufInfo:
    architecture = _text(found.get("general.architecture"))
    return GgufInfo(
        architecture=architecture,
        kind=_text(found.get("general.type")),
        name=_text(found.get("general.name")),
        size_label=_text(found.get("general.size_label")),
        file_type=_count(found.get("general.file_type")),
        context_length=_count(found.get(f"{architecture}.context_length")),
        block_count=_count(found.get(f"{architecture}.block_count")),
        split_number=_count(found.get("split.no")),
        split_count=_count(found.get("split.count")),
        tensor_count=tensors,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


class _Source:
    """A file read forward, a piece at a time; what is not wanted is passed over without being kept."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._size = path.stat().st_size
        self._piece = b""
        self._start = 0
        """Where in the file the piece begins."""
        self._at = 0
        """The place in the piece."""

    def fail(self, what: str, fix: str) -> GgufError:
        return GgufError(f"{self._path}: {what}; {fix}")

    def damaged(self, what: str) -> GgufError:
        return self.fail(f"is a damaged GGUF file: it {what}", "download it again")

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes."""
        self._check(count, what)
        if self._at + count > len(self._piece):
            self._refill(max(count, CHUNK_BYTES))
        if self._at + count > len(self._piece):
            raise self.damaged(f"ends inside {what}")
        taken = self._piece[self._at : self._at + count]
        self._at += count
        return taken

    def skip(self, count: int, what: str) -> None:
        """Pass over `count` bytes without reading them."""
        self._check(count, what)
        self._at += count
        if self._at > len(self._piece):
            self._start, self._at, self._piece = self._start + self._at, 0, b""

    def _check(self, count: int, what: str) -> None:
        end = self._start + self._at + count
        if end > self._size:
            raise self.damaged(f"ends inside {what}")
        if end > MAX_HEADER_BYTES:
            raise self.damaged(f"has a header of more than {MAX_HEADER_BYTES >> 20} MiB")

    def _refill(self, count: int) -> None:
        self._start += self._at
        self._at = 0
        self._file.seek(self._start)
        parts: list[bytes] = []
        while count > 0 and (part := self._file.read(count)):
            parts.append(part)
            count -= len(part)
        self._piece = b"".join(parts)

    def number(self, form: str, what: str) -> int:
        return int(self._unpack(form, what))

    def _unpack(self, form: str, what: str) -> int | float:
        value: int | float = struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}"), what))[0]
        return value

    def text(self, limit: int, what: str) -> str:
        length = self.number("Q", what)
        if length > limit:
            raise self.damaged(f"has {what} of {length} bytes")
        return self.take(length, what).decode("utf-8", "replace")

    def value(self, kind: int, key: str, *, is_wanted: bool) -> object:
        """The value of a wanted key; None for one that was passed over."""
        what = f"the value of {key!r}"
        if kind in _FORMATS:
            return self._unpack(_FORMATS[kind], what)
        if kind == _TEXT:
            length = self.number("Q", what)
            if is_wanted and length <= MAX_TEXT_BYTES:
                return self.take(length, what).decode("utf-8", "replace")
            self.skip(length, what)
            return None
        if kind == _LIST:
            self._skip_list(what)
            return None
        raise self.damaged(f"has a value of the unknown type {kind} at {key!r}")

    def is_list_of_texts(self) -> bool:
        """What comes is a list of texts; the place stays."""
        kind = self.number("I", "a list")
        self._at -= 4
        return kind == _TEXT

    def _skip_list(self, what: str) -> None:
        kind = self.number("I", what)
        count = self.number("Q", what)
        if kind in _FORMATS:
            self.skip(count * struct.calcsize(f"<{_FORMATS[kind]}"), what)
        elif kind == _TEXT and count <= MAX_LIST_ITEMS:
            for _ in range(count):
                self.skip(self.number("Q", what), what)
        else:
            raise self.damaged(f"has a list in {what} of type {kind} with {count} items")
