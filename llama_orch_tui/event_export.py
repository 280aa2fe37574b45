"""Saving events as JSON lines, in the form of `events --json`. Belongs on a worker thread."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO

from engine.protocol import Engine
from engine.snapshots import Event
from llama_orch_tui.event_reading import iter_pages_back
from llama_orch_tui.output import event_to_json
from widgets.event_book import key_of
from widgets.event_sieve import EventSieve

COPY_BYTES = 1 << 20


def propose_name(sieve: EventSieve, now: float) -> str:
    """A file name that says whose events it holds, and when they were saved (local time)."""
    whose = f"-{sieve.names[0]}" if len(sieve.names) == 1 else ""
    return f"events{whose}-{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}.jsonl"


def save_events(
    engine: Engine, sieve: EventSieve, shown: tuple[Event, ...], path: Path, is_cancelled: Callable[[], bool]
) -> int:
    """Write all events that pass, stored ones and those of `shown` that are not stored yet, oldest first; how many.

    The file is made (mode 0600); one that is there already is left alone. When something fails, nothing stays behind.

    Raises:
        FileExistsError: there is such a file.
        OSError: it cannot be written.
        StateError: the database cannot be read.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file, tempfile.TemporaryFile() as spool:
            return _write(engine, sieve, shown, file, spool, is_cancelled)
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def _write(
    engine: Engine,
    sieve: EventSieve,
    shown: tuple[Event, ...],
    file: BinaryIO,
    spool: IO[bytes],
    is_cancelled: Callable[[], bool],
) -> int:
    """Pages come newest first and are put aside, so that memory holds one of them, however long the event log is."""
    passes = sieve.tester()
    ends, count = [0], 0
    unstored = {key_of(one): one for one in shown}
    for page in iter_pages_back(engine, sieve, None):
        if is_cancelled():
            raise InterruptedError("left before it was done")
        for one in page:
            unstored.pop(key_of(one), None)
        fitting = [one for one in page if passes(one)]
        spool.writelines(map(_to_line, fitting))
        ends.append(spool.tell())
        count += len(fitting)
    for start, end in zip(ends[-2::-1], ends[:0:-1], strict=True):
        spool.seek(start)
        _copy(spool, file, end - start)
    left = [one for one in unstored.values() if not one.id]
    file.writelines(map(_to_line, left))
    return count + len(left)


def _copy(source: IO[bytes], target: BinaryIO, size: int) -> None:
    while size > 0 and (data := source.read(min(size, COPY_BYTES))):
        target.write(data)
        size -= len(data)


def _to_line(event: Event) -> bytes:
    return (json.dumps(event_to_json(event), ensure_ascii=False) + "\n").encode("utf-8", "replace")
