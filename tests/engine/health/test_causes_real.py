"""The real llama.cpp dies in many ways, and each is recognised by what it really prints."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.embedded.location import find_launcher
from engine.health.causes import Cause, find_cause
from engine.health.signatures import CauseKind
from engine.models.tiny_gguf import cached_tiny_model
from tests.engine.embedded.server_process import free_port

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform == "win32", reason="limits and modes are POSIX"),
    pytest.mark.xdist_group("ways-to-die"),  # the dozens of runs are made once, not by each worker
]

DEADLINE_S = 20.0
AT_ONCE = 3
PORT_TRIES = 5
ADDRESS_SPACE = 2_500_000_000
"""Bytes: enough to load the library and the tiny model, not enough for an absurd context."""

BAD_FILES = {
    "part.gguf": CauseKind.MODEL_TRUNCATED,
    "head.gguf": CauseKind.MODEL_TRUNCATED,
    "page.gguf": CauseKind.NOT_GGUF,
    "empty.gguf": CauseKind.NOT_GGUF,
    "folder.gguf": CauseKind.NOT_GGUF,
    "future.gguf": CauseKind.MODEL_TOO_NEW,
    "alien.gguf": CauseKind.UNKNOWN_ARCHITECTURE,
    "holes.gguf": CauseKind.MODEL_BROKEN,
    "mute.gguf": CauseKind.MODEL_BROKEN,
    "none.gguf": CauseKind.MODEL_MISSING,
}
"""Made by `_make_bad_files`, but for the one that is not there."""


def _make_bad_files(folder: Path, good: bytes) -> None:
    contents = {
        "part.gguf": good[:500_000],
        "head.gguf": good[:2000],
        "page.gguf": b"<!DOCTYPE html>".ljust(200),
        "empty.gguf": b"",
        "future.gguf": good[:4] + struct.pack("<I", 99) + good[8:],
        "alien.gguf": good.replace(b"llama", b"zlama"),
        "holes.gguf": good.replace(b"blk.0.attn_q.weight", b"blk.0.attn_z.weight"),
        "mute.gguf": good.replace(b"gpt2", b"gptx"),
        "nan.gguf": good[:-200_000] + b"\xff" * 200_000,
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "folder.gguf").mkdir()


def _run_to_end(*flags: str, limit: int | None = None) -> Cause | None:
    """What is found out about one run of the launcher.

    Between choosing a free port and listening on it somebody else may take it: then the run tells nothing, and another
    one is made.
    """
    for _ in range(PORT_TRIES):
        cause = _run_once(*flags, *(() if "--port" in flags else ("--port", str(free_port()))), limit=limit)
        if "--port" in flags or cause is None or cause.kind is not CauseKind.CANNOT_BIND:
            return cause
    raise AssertionError("no port stays free for the moment that a start takes")


def _run_once(*flags: str, limit: int | None) -> Cause | None:
    command = [*find_launcher(), *flags]
    if limit is not None:
        command = ["/bin/sh", "-c", f'ulimit -v {limit // 1024}; exec "$@"', "sh", *command]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, env=kept, check=False)
    assert done.returncode == 1, done.stderr
    return find_cause(done.stderr.splitlines(), done.returncode, None)


@pytest.fixture(scope="module")
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


@pytest.fixture(scope="module")
def causes(tmp_path_factory: pytest.TempPathFactory, taken_port: int) -> Mapping[str, Cause | None]:
    """What is found out about every way to die, a few at a time."""
    folder = tmp_path_factory.mktemp("bad")
    model = str(cached_tiny_model(folder))
    _make_bad_files(folder, Path(model).read_bytes())
    ways = {name: ("-m", str(folder / name)) for name in BAD_FILES} | {
        "nan": ("-m", str(folder / "nan.gguf"), "--check-tensors"),
        "taken": ("-m", model, "--port", str(taken_port)),
        "flag": ("-m", model, "--foo"),
        "value": ("-m", model, "--port", "x"),
        "valueless": ("-m", model, "--port"),
        "modelless": (),
        "projector": ("-m", model, "--mmproj", str(folder / "mm.gguf")),
        "no projector": ("-m", model, "--mmproj", model),
        "adapter": ("-m", model, "--lora", str(folder / "l.gguf")),
        "no adapter": ("-m", model, "--lora", model),
        "template": ("-m", model, "--chat-template", "{{ bad"),
        "slots": ("-m", model, "-np", "300"),
        "cache": ("-m", model, "-ctv", "q8_0", "-fa", "off"),
    }
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {name: pool.submit(_run_to_end, *flags) for name, flags in ways.items()}
        runs["context"] = pool.submit(_run_to_end, "-m", model, "-c", "200000000", limit=ADDRESS_SPACE)
        return {name: run.result() for name, run in runs.items()}


@pytest.mark.parametrize(("name", "kind"), BAD_FILES.items())
def test_a_bad_model_file_is_recognised_and_not_tried_again(
    causes: Mapping[str, Cause | None], name: str, kind: CauseKind
) -> None:
    cause = causes[name]

    assert cause is not None
    assert (cause.kind, cause.is_permanent) == (kind, True)


@pytest.mark.parametrize(
    ("way", "kind", "is_permanent", "words"),
    [
        ("nan", CauseKind.MODEL_BROKEN, True, "values that are no numbers"),
        ("taken", CauseKind.CANNOT_BIND, False, "127.0.0.1, port"),
        ("flag", CauseKind.UNKNOWN_FLAG, True, "does not take the flag --foo"),
        ("value", CauseKind.BAD_VALUE, True, "--port has a bad value: expected a whole number, not 'x'"),
        ("valueless", CauseKind.BAD_VALUE, True, "expected value for argument"),
        ("modelless", CauseKind.NO_MODEL, True, "no model is named"),
        ("projector", CauseKind.PROJECTOR, True, "mm.gguf"),
        ("no projector", CauseKind.PROJECTOR, True, "is none"),
        ("adapter", CauseKind.ADAPTER, True, "l.gguf"),
        ("no adapter", CauseKind.ADAPTER, True, "is none"),
        ("template", CauseKind.BAD_TEMPLATE, True, "cannot be parsed"),
        ("slots", CauseKind.TOO_MANY_SLOTS, True, "256"),
        ("cache", CauseKind.NEEDS_FLASH_ATTENTION, True, "flash attention"),
        ("context", CauseKind.CONTEXT_TOO_LARGE, False, "context of this size"),
    ],
)
def test_a_bad_setting_is_recognised(
    causes: Mapping[str, Cause | None], way: str, kind: CauseKind, *, is_permanent: bool, words: str
) -> None:
    cause = causes[way]

    assert cause is not None
    assert (cause.kind, cause.is_permanent) == (kind, is_permanent)
    assert words in cause.sentence


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_a_model_that_may_not_be_read_is_recognised(tmp_path: Path) -> None:
    model = cached_tiny_model(tmp_path)
    model.chmod(0)

    cause = _run_to_end("-m", str(model))

    assert cause is not None
    assert cause.kind is CauseKind.MODEL_UNREADABLE


def test_a_missing_xllamacpp_is_recognised() -> None:
    command = [sys.executable, "-S", *find_launcher()[1:], "-m", "any.gguf"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)

    cause = find_cause(done.stderr.splitlines(), done.returncode, None)

    assert cause is not None
    assert (cause.kind, cause.is_permanent) == (CauseKind.MISSING_PACKAGE, True)
    assert "pip install" in cause.hint
