"""The files of one stream, oldest to newest, as one run of bytes that survives rotation.

Positions count from the oldest byte that was there when the chain was opened, and keep their meaning while files are
renamed, added and deleted: a piece is known by its inode, and its open descriptor keeps that inode from being reused.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from engine.logs.index import INODE_MASK, NUMBER_MASK, PIECE, read_header
from engine.logs.stamps import Mark, Stamps

UNTIMED = -1
_TRIES = 20

if sys.platform == "win32":
    import _winapi
    import msvcrt

    def open_shared(path: Path) -> int:
        """Open for reading without keeping the writer from renaming or deleting the file."""
        share = 0x1 | 0x2 | 0x4  # read, write, delete
        handle = _winapi.CreateFile(str(path), 0x80000000, share, 0, 3, 0x80, 0)
        return msvcrt.open_osfhandle(handle, os.O_RDONLY | os.O_BINARY)

else:

    def open_shared(path: Path) -> int:
        """Open for reading without keeping the writer from renaming or deleting the file."""
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK)


@dataclass(slots=True)
class Piece:
    """One file, open; `size` is what has been seen of it."""

    fd: int
    identity: tuple[int, int]
    size: int
    modified_at: float
    base: int = 0
    """Position of its first byte."""
    stamps: Stamps | None = None
    number: int = 0
    """Counted over all files of the stream that there ever were; 0 while no index says it."""

    @property
    def end(self) -> int:
        """Position after its last byte."""
        return self.base + self.size

    def close(self) -> None:
        """Let go of the file and its index."""
        os.close(self.fd)
        if self.stamps is not None:
            self.stamps.close()


class Chain:
    """The pieces of one stream. Used by one thread; reading raises OSError when the folder cannot be read."""

    def __init__(self, directory: Path, stream: str) -> None:
        self._directory = directory
        self._stream = stream
        self._pieces: list[Piece] = []
        self._end = 0
        self._current = directory / f"{stream}.log"
        self._folder_changed_ns = -1
        self._missed: list[tuple[int, int]] = []
        self.refresh()

    @property
    def start(self) -> int:
        """Position of the oldest kept byte."""
        return self._pieces[0].base if self._pieces else self._end

    @property
    def end(self) -> int:
        """Position after the newest byte seen."""
        return self._end

    def exists(self) -> bool:
        """True when there is a file to read."""
        return bool(self._pieces)

    def refresh(self, keep_from: int | None = None) -> bool:
        """Take notice of growth and rotation; costs one `stat` while nothing changes.

        Args:
            keep_from: Deleted pieces that reach beyond this position stay readable; without it none do.

        Returns:
            True when bytes were added or pieces went away.
        """
        there = _stat(self._current)
        newest = self._pieces[-1] if self._pieces else None
        if there is not None and newest is not None and (there.st_dev, there.st_ino) == newest.identity:
            changed = there.st_size != newest.size
            if there.st_size < newest.size:
                self._begin_again(newest)
            newest.size, newest.modified_at = there.st_size, there.st_mtime
        elif there is None and newest is None and not self._has_folder_changed():
            changed = False
        else:
            changed = self._relist(keep_from)
        if self._pieces:
            self._end = self._pieces[-1].end
            if self._pieces[-1].stamps is None:
                self._add_stamps()
        return changed

    def read(self, start: int, count: int) -> bytes:
        """At most `count` bytes from position `start` on; fewer at the end."""
        parts = []
        for piece in self._pieces:
            if piece.end <= start or count <= 0:
                continue
            wanted = min(count, piece.end - start)
            os.lseek(piece.fd, start - piece.base, os.SEEK_SET)
            part = os.read(piece.fd, wanted)
            parts.append(part)
            if len(part) < wanted:
                break  # cut under our eyes; the next refresh sees it
            start += wanted
            count -= wanted
        return b"".join(parts)

    def marks(self, start: int, end: int) -> list[Mark]:
        """The index records of positions `start` to `end`, both included, and the one before that tells the time.

        Each piece opens with a record without a time (`UNTIMED`): no time is inherited from the piece before.
        """
        found = []
        for piece in self._pieces:
            if piece.end < start or piece.base > end:
                continue
            found.append(Mark(PIECE, piece.base, UNTIMED))
            if piece.stamps is None:
                continue
            inside = piece.stamps.between(max(start - piece.base, 0), min(end, piece.end) - piece.base)
            found += [Mark(mark.kind, mark.offset + piece.base, mark.value) for mark in inside]
        return found

    def take_missed(self, position: int) -> int:
        """How many whole files came and went unread before `position`, each told once."""
        count = sum(missed for at, missed in self._missed if at <= position)
        self._missed = [(at, missed) for at, missed in self._missed if at > position]
        return count

    def has_cuts(self, start: int, end: int) -> bool:
        """True when a record from `start` to `end`, both included, ends a line without a newline or marks a gap."""
        return any(
            piece.stamps.has_cuts(max(start - piece.base, 0), min(end, piece.end) - piece.base)
            for piece in self._pieces
            if piece.stamps is not None and piece.end >= start and piece.base <= end
        )

    def position_since(self, ts: float) -> int:
        """Position of the first byte read at `ts` or later; a file without an index counts by its last change."""
        for piece in self._pieces:
            if piece.stamps is None or piece.stamps.is_empty():
                if piece.modified_at >= ts and piece.size:
                    return piece.base
            elif (offset := piece.stamps.first_since(ts)) is not None and offset <= piece.size:
                return piece.base + offset
        return self._end

    def close(self) -> None:
        """Let go of every file. Idempotent."""
        for piece in self._pieces:
            piece.close()
        self._pieces = []

    def _has_folder_changed(self) -> bool:
        """True when names came or went in the folder since the last call."""
        info = _stat(self._directory)
        before, self._folder_changed_ns = self._folder_changed_ns, info.st_mtime_ns if info is not None else -1
        return before != self._folder_changed_ns

    def _begin_again(self, piece: Piece) -> None:
        """The file was emptied in place: what is written from now on comes after what was seen."""
        for older in self._pieces[:-1]:
            older.close()
        if piece.stamps is not None:
            piece.stamps.close()
            piece.stamps = None
        piece.base, piece.size = piece.end, 0
        self._pieces = [piece]

    def _relist(self, keep_from: int | None) -> bool:
        """Open what is there now, keep what is known, drop what was deleted."""
        known = {piece.identity: piece for piece in self._pieces}
        opened = self._open_all(known)
        for piece in self._pieces:  # a rotated file has its final size now
            piece.size = max(os.fstat(piece.fd).st_size, piece.size)
        present = {piece.identity for piece in opened}
        kept = [
            piece
            for piece in self._pieces
            if piece.identity in present or (keep_from is not None and piece.end > keep_from)
        ]
        fresh = [piece for piece in opened if piece.identity not in known]
        newest = self._pieces[-1] if self._pieces else None
        position = max(self._pieces[-1].end if self._pieces else 0, self._end)
        for piece in self._pieces:
            if not any(piece is one for one in kept):
                piece.close()
        for piece in fresh:
            piece.base = position
            position = piece.end
        changed = bool(fresh) or len(kept) != len(self._pieces)
        self._pieces = kept + fresh
        self._end = position
        self._add_stamps()
        if newest is not None and fresh and keep_from is not None:
            self._note_missed(newest, fresh[0])
        return changed

    def _note_missed(self, before: Piece, after: Piece) -> None:
        """Two files that should follow each other: what lay between them was rotated away before it was seen."""
        if before.number and after.number and (missed := (after.number - before.number - 1) & NUMBER_MASK):
            self._missed.append((after.base, missed))

    def _open_all(self, known: dict[tuple[int, int], Piece]) -> list[Piece]:
        """Every file of the stream, oldest first; tries again when a rotation got in between."""
        tries = 0
        while True:
            tries += 1
            pieces, is_whole = self._open_once(known)
            if is_whole or tries == _TRIES:
                return pieces
            for piece in pieces:
                if piece.identity not in known:
                    piece.close()

    def _open_once(self, known: dict[tuple[int, int], Piece]) -> tuple[list[Piece], bool]:
        """Newest first, since files move to older names: then a move can show one twice, but hide none."""
        before = _stat(self._current)
        pieces: list[Piece] = []
        is_whole = True
        for path in self._paths("log"):
            piece = _open_piece(path, known)
            if piece is None:
                is_whole = False
            elif any(piece.identity == other.identity for other in pieces):
                is_whole = False
                if piece.identity not in known:
                    os.close(piece.fd)
            else:
                pieces.append(piece)
        after = _stat(self._current)
        pieces.reverse()
        return pieces, is_whole and _inode(before) == _inode(after)

    def _paths(self, kind: str) -> list[Path]:
        """The stream's files of one kind that exist, newest first."""
        pattern = re.compile(rf"{re.escape(self._stream)}\.{kind}(?:\.(\d+))?")
        try:
            names = [path.name for path in self._directory.iterdir()]
        except FileNotFoundError:
            return []
        found = [(int(match[1] or 0), match[0]) for name in names if (match := pattern.fullmatch(name))]
        return [self._directory / name for _, name in sorted(found)]

    def _add_stamps(self) -> None:
        """Find each piece's index by the inode that it names."""
        lacking = {piece.identity[1] & INODE_MASK: piece for piece in self._pieces if piece.stamps is None}
        for path in self._paths("idx") if lacking else []:
            fd = _open(path)
            if fd is None:
                continue
            inode, number = read_header(fd)
            piece = lacking.pop(inode or -1, None)
            if piece is None:
                os.close(fd)
            else:
                piece.stamps, piece.number = Stamps(fd), number


def _open(path: Path) -> int | None:
    try:
        return open_shared(path)
    except FileNotFoundError:
        return None


def _open_piece(path: Path, known: dict[tuple[int, int], Piece]) -> Piece | None:
    if (fd := _open(path)) is None:
        return None
    info = os.fstat(fd)
    identity = (info.st_dev, info.st_ino)
    if identity in known:
        os.close(fd)
        return known[identity]
    return Piece(fd, identity, info.st_size, info.st_mtime)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _inode(info: os.stat_result | None) -> int | None:
    return info.st_ino if info is not None else None
