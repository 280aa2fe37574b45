r"""The one format of launch specifications, run records, exit records and control messages.

A record is lines of ``key=value``, ended by an empty line; ``\\`` and ``\n`` inside a value are escaped, keys may
repeat (``arg``, ``env``). It needs no parser beyond this page: the keeper stays small.
Every record carries ``version``; a release speaks its own version and the one before.
"""

from __future__ import annotations

import os

VERSION = 1
"""Version of records and of the keeper's control protocol."""

LIMIT_BYTES = 4 << 20
"""Longest record accepted; an environment and its arguments fit in 2 MiB on Linux."""

Record = list[tuple[str, str]]


def encode_record(pairs: Record) -> bytes:
    """The bytes of a record, its closing empty line included."""
    return os.fsencode("".join([f"{key}={_escape(value)}\n" for key, value in pairs]) + "\n")


def decode_record(data: bytes) -> Record:
    """The pairs of the first record in `data`; what follows its empty line is ignored."""
    pairs: Record = []
    for line in os.fsdecode(data.partition(b"\n\n")[0]).split("\n"):
        key, found, value = line.partition("=")
        if found:
            pairs.append((key, _unescape(value)))
    return pairs


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def _unescape(value: str) -> str:
    if "\\" not in value:
        return value
    return "\\".join(part.replace("\\n", "\n") for part in value.split("\\\\"))


def get_value(record: Record, key: str, default: str = "") -> str:
    """The first value of `key`."""
    for found, value in record:
        if found == key:
            return value
    return default


def get_values(record: Record, key: str) -> list[str]:
    """All values of `key`, in order."""
    return [value for found, value in record if found == key]


def is_spoken(record: Record) -> bool:
    """True when this release understands what a record means.

    It does for its own version and the one before; the next one promises the same of us.
    """
    version = get_value(record, "version")
    return version.isdecimal() and abs(int(version) - VERSION) <= 1


class RecordReader:
    """Cuts a byte stream into records."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Record]:
        """The records completed by `data`.

        Raises:
            ValueError: an unfinished record has grown past the limit.
        """
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        if len(self._rest) > LIMIT_BYTES:
            raise ValueError("record too long")
        return [decode_record(part) for part in whole]


def write_record(path: str, pairs: Record) -> None:
    """Replace the file at `path` by this record, as `replace_file` does.

    Raises:
        OSError: as from `replace_file`.
    """
    replace_file(path, encode_record(pairs))


def replace_file(path: str, data: bytes) -> None:
    """Replace the file at `path` (mode 0600) in one step, so that a reader sees the old or the new one whole.

    Raises:
        OSError: the folder is gone or the disk is full; the old file is then untouched.
    """
    fresh = f"{path}.{os.getpid()}.new"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        write_all(handle, data)
    except OSError:
        os.unlink(fresh)
        raise
    finally:
        os.close(handle)
    os.replace(fresh, path)


def read_record(path: str) -> Record:
    """The record in a file, or an empty one when there is no file.

    Raises:
        OSError: the file is there but cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return []
    try:
        return decode_record(os.read(handle, LIMIT_BYTES))
    finally:
        os.close(handle)


def write_all(handle: int, data: bytes) -> None:
    """Write all of `data`, however many calls it takes.

    Raises:
        OSError: as from ``os.write``.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
