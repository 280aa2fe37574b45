"""The keeper's side of its launch: the specification comes by standard input, one answer goes by standard output."""

from __future__ import annotations

import os

from engine.process.records import VERSION, Record, decode_record, encode_record, write_all

READ_BYTES = 1 << 16
"""One read of a pipe: its whole capacity."""


def read_spec() -> Record:
    """The launch specification, from standard input to its end."""
    pieces = []
    while data := os.read(0, READ_BYTES):
        pieces.append(data)
    return decode_record(b"".join(pieces))


def answer(record: Record) -> None:
    """Tell whoever launched us how it went, once. It may be gone already: then nobody needs to know."""
    try:
        write_all(1, encode_record([("version", str(VERSION)), *record]))
    except BrokenPipeError:
        return
    finally:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        os.close(nothing)
