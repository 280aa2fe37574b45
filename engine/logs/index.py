"""The sidecar index of a log file: when its bytes were read, and where bytes are missing.

``stderr.idx`` belongs to ``stderr.log`` and is rotated with it. Little-endian, append only::

    header  32 bytes   magic, version, record size, number, inode of the log file, made at (µs since the epoch)
    record  16 bytes   kind (8 bits) and byte offset in the log file (56 bits); value

``PIECE``: the bytes from the offset on were read at `value` (µs). ``BREAK``: likewise, and a writer began here, so a
line ends here even without a newline. ``GAP``: `value` bytes were dropped before the offset, and a line ends here.
The inode ties an index to its file, whatever the two are called after a crash between two renames. The number grows by
one with each file of the stream (0: not known), so that a reader sees when whole files came and went unread.

A record is written at most once a millisecond: one turn of the pump takes about as long, so finer times would not tell
which stream was first. It is 16 bytes for at least 64 bytes of log (after the first 1024 records), so that an index
stays below a quarter of its log even when a server writes single characters; the times become coarser then.

Light: the keeper imports this module.
"""

from __future__ import annotations

import os
import struct

MAGIC = b"lorchidx"
VERSION = 1
HEADER = struct.Struct("<8sHHIQq")
RECORD = struct.Struct("<Qq")

PIECE = 0
GAP = 1
BREAK = 2
KIND_SHIFT = 56
OFFSET_MASK = (1 << KIND_SHIFT) - 1
INODE_MASK = (1 << 64) - 1
NUMBER_MASK = (1 << 32) - 1

COALESCE_US = 1000
FREE_RECORDS = 1024
LOG_BYTES_PER_RECORD = 64

_OPEN_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)


class IndexWriter:
    """Appends to the index of one log file. Used by one thread; only opening raises OSError."""

    def __init__(self, path: str, log_inode: int, log_size: int, now_us: int, number: int) -> None:
        self._last_us = 0
        self._gap_at = (-1, 0)
        """Offset of the newest gap, and where in the index its record is."""
        self._fd = os.open(path, _OPEN_FLAGS, 0o600)
        try:
            inode, self.number = read_header(self._fd)
            if inode == log_inode & INODE_MASK:
                self._size = self._heal(log_size)
            else:
                self.number = number & NUMBER_MASK
                self._size = self._begin(log_inode, now_us)
            os.lseek(self._fd, self._size, os.SEEK_SET)
        except OSError:
            os.close(self._fd)
            raise

    def note_piece(self, offset: int, now_us: int) -> None:
        """Record that the bytes from `offset` on were read now, unless a record close by says so."""
        if 0 <= now_us - self._last_us < COALESCE_US:
            return
        if self._count() < FREE_RECORDS + offset // LOG_BYTES_PER_RECORD and self._append(PIECE, offset, now_us):
            self._last_us = now_us

    def note_break(self, offset: int, now_us: int) -> None:
        """Record that a writer begins at `offset`."""
        self._gap_at = (-1, 0)  # a gap that an earlier writer left is its own
        if self._append(BREAK, offset, now_us):
            self._last_us = now_us

    def note_gap(self, offset: int, dropped_bytes: int) -> bool:
        """Record that `dropped_bytes` are missing before `offset`, in place of a smaller count for the same gap.

        Returns:
            False when the disk did not take it.
        """
        if self._gap_at[0] == offset:  # what follows it are times of bytes that the disk refused after all
            self._size = self._gap_at[1]
            os.lseek(self._fd, self._size, os.SEEK_SET)
        self._gap_at = (offset, self._size)
        self._last_us = 0  # the next piece gets a time of its own
        return self._append(GAP, offset, dropped_bytes)

    def is_deleted(self) -> bool:
        """True when nothing leads to this file any more."""
        return os.fstat(self._fd).st_nlink == 0

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)

    def _count(self) -> int:
        return (self._size - HEADER.size) // RECORD.size

    def _append(self, kind: int, offset: int, value: int) -> bool:
        record = RECORD.pack(kind << KIND_SHIFT | offset, value)
        try:
            written = os.write(self._fd, record)
        except OSError:
            written = 0  # a full disk costs a time stamp, never the log
        if written != len(record):
            os.lseek(self._fd, self._size, os.SEEK_SET)  # the next record overwrites the torn one
            return False
        self._size += written
        return True

    def _begin(self, log_inode: int, now_us: int) -> int:
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        header = HEADER.pack(MAGIC, VERSION, RECORD.size, self.number, log_inode & INODE_MASK, now_us)
        if os.write(self._fd, header) != len(header):
            raise OSError("index: the header could not be written whole")
        return len(header)

    def _heal(self, log_size: int) -> int:
        """Cut a torn record, and records of bytes that the log does not have; returns the index's size."""
        found = os.fstat(self._fd).st_size
        size = found - (found - HEADER.size) % RECORD.size
        while size > HEADER.size and self._word_before(size) & OFFSET_MASK > log_size:
            size -= RECORD.size
        at = size
        while at > HEADER.size and (word := self._word_before(at)) & OFFSET_MASK == log_size:
            at -= RECORD.size
            if word >> KIND_SHIFT == GAP:
                self._gap_at = (log_size, at)
                break
        if size != found:
            os.ftruncate(self._fd, size)
        return size

    def _word_before(self, end: int) -> int:
        os.lseek(self._fd, end - RECORD.size, os.SEEK_SET)
        return int.from_bytes(os.read(self._fd, 8), "little")


def read_header(fd: int) -> tuple[int | None, int]:
    """The inode of the log file that the index `fd` belongs to, and that file's number; None when it is no index."""
    os.lseek(fd, 0, os.SEEK_SET)
    data = os.read(fd, HEADER.size)
    if len(data) < HEADER.size:
        return None, 0
    magic, version, record_size, number, inode, _ = HEADER.unpack(data)
    return (inode, number) if (magic, version, record_size) == (MAGIC, VERSION, RECORD.size) else (None, 0)
