"""Headers of GGUF files: what is read, and that no file, however damaged, does more than fail by name."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models.gguf import GgufError, GgufInfo, read_gguf
from engine.models.tiny_gguf import cached_tiny_model

KEYS: dict[str, object] = {
    "general.architecture": "qwen3",
    "general.type": "model",
    "general.name": "Qwen3 4B",
    "general.size_label": "4B",
    "qwen3.context_length": 40960,
    "qwen3.block_count": 36,
    "tokenizer.ggml.tokens": ["a", "bb", "ccc"] * 50,
    "tokenizer.ggml.scores": [0, 1, 2],
    "general.file_type": 15,
    "split.no": 0,
    "split.count": 3,
}


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def value_of(value: object) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    if isinstance(value, Sequence):
        is_text = isinstance(value[0], str)
        items = b"".join(text(one) if is_text else struct.pack("<I", one) for one in value)
        return struct.pack("<IIQ", 9, 8 if is_text else 4, len(value)) + items
    return struct.pack("<II", 4, value)


def build(keys: Mapping[str, object], *, version: int = 3, tensors: int = 7) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", version, tensors, len(keys))
    return head + b"".join(text(key) + value_of(value) for key, value in keys.items())


WHOLE = build(KEYS)
PLAIN = GgufInfo("qwen3", "model", "Qwen3 4B", "4B", 15, 40960, 36, 0, 3, 7)


def write(folder: Path, data: bytes) -> Path:
    path = folder / "model.gguf"
    path.write_bytes(data)
    return path


def test_it_tells_what_the_header_says_also_behind_the_vocabulary(tmp_path: Path) -> None:
    info = read_gguf(write(tmp_path, WHOLE))

    assert info == PLAIN
    assert info.quantisation == "Q4_K_M"


def test_it_stops_at_the_vocabulary_when_that_is_enough(tmp_path: Path) -> None:
    info = read_gguf(write(tmp_path, WHOLE), past_lists=False)

    assert (info.name, info.context_length, info.file_type) == ("Qwen3 4B", 40960, None)
    assert info.quantisation == ""


def test_it_reads_a_model_that_llama_cpp_loads(tmp_path: Path) -> None:
    info = read_gguf(cached_tiny_model(tmp_path))

    assert (info.architecture, info.context_length, info.block_count) == ("llama", 4096, 2)


@pytest.mark.parametrize("length", range(len(WHOLE) - 1, 0, -43))
def test_a_truncated_file_is_named(tmp_path: Path, length: int) -> None:
    with pytest.raises(GgufError, match=r"model\.gguf: .*; download it again"):
        read_gguf(write(tmp_path, WHOLE[:length]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<html>not found</html>", "is no GGUF file; download it again"),
        (b"version https://git-lfs", "is no GGUF file"),
        (b"", "ends inside its first bytes"),
        (build(KEYS, version=1), "version 1, which is not known"),
        (b"GGUF" + struct.pack(">IQQ", 3, 1, 1), "big-endian"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 2**63), "claims 9223372036854775808 keys"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, 2**62) + b"x" * 64, "a key of 4611686018427387904 bytes"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("a") + struct.pack("<I", 77), "unknown type 77 at 'a'"),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("a") + struct.pack("<IIQ", 9, 9, 1),
            "a list in the value of 'a' of type 9",
        ),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("a") + struct.pack("<IIQ", 9, 8, 2**40),
            "with 1099511627776 items",
        ),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("a") + struct.pack("<IIQ", 9, 4, 2**61),
            "ends inside the value of 'a'",
        ),
    ],
)
def test_what_is_wrong_is_said_with_the_fix(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(GgufError) as caught:
        read_gguf(write(tmp_path, data))
    assert words in str(caught.value)
    assert ";" in str(caught.value)


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(GgufError, match="is not a file"):
        read_gguf(tmp_path)
    with pytest.raises(GgufError, match="no such file"):
        read_gguf(tmp_path / "gone.gguf")
    with pytest.raises(GgufError, match="no path that can be opened"):
        read_gguf(Path("a\0b"))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.gguf")
        with pytest.raises(GgufError, match="is not a file"):
            read_gguf(tmp_path / "pipe.gguf")


def told(path: Path, *, past_lists: bool) -> str:
    """The error of reading it; the path itself when there is none."""
    try:
        read_gguf(path, past_lists=past_lists)
    except GgufError as error:
        return str(error)
    return str(path)


@given(noise=st.binary(max_size=600), kept=st.integers(0, len(WHOLE)), past_lists=st.booleans())
def test_whatever_the_bytes_it_ends_with_facts_or_a_named_error(
    tmp_path_factory: pytest.TempPathFactory, *, noise: bytes, kept: int, past_lists: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.gguf"
    for data in (noise, WHOLE[:kept] + noise, WHOLE[:kept] + noise + WHOLE[kept + len(noise) :]):
        path.write_bytes(data)
        assert str(path) in told(path, past_lists=past_lists)
