"""The current log file of one stream, its index, and the older pieces behind it.

``stdout.log`` is written; ``stdout.log.1`` (newest) to ``.N`` are older. Pieces change their names, never their bytes.
Light: the keeper imports this module.
"""

from __future__ import annotations

import errno
import os

from engine.logs.index import INODE_MASK, IndexWriter, read_header

_OPEN_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)


class RotatingFile:
    """Appends within a size limit. Used by one thread. Methods raise OSError, and may be called again afterwards."""

    def __init__(self, directory: str, stream: str, max_bytes: int, backups: int) -> None:
        self.max_bytes = max_bytes
        self.size = 0
        self._directory = directory
        self._stream = stream
        self._backups = backups
        self._fd = -1
        self._index: IndexWriter | None = None
        self._is_line_open = False
        self._is_known = False
        self._is_settled = False
        self._number = 0
        """Of the current file, counted over all that there ever were; as the newest index says it."""

    def open(self, now_us: int) -> None:
        """Open for appending: the file that is there, or a fresh one, in a folder made when it is missing."""
        self.close()
        make_private_folder(self._directory)
        if not self._is_settled:
            self._settle()
        self._fd = os.open(self._log(0), _OPEN_FLAGS, 0o600)
        self.size = os.lseek(self._fd, 0, os.SEEK_END)
        self._is_line_open = self._ends_in_a_line()
        self._open_index(now_us)
        if self._index is not None and not self._is_known and self.size:
            self._index.note_break(self.size, now_us)
        self._is_known = True

    def is_deleted(self) -> bool:
        """True when the open file has no name any more: what is written there is lost. Costs a microsecond."""
        return self._fd >= 0 and os.fstat(self._fd).st_nlink == 0

    def is_in_place(self) -> bool:
        """True while the open file is the one its path leads to, and nobody else changed its size."""
        if self._fd < 0 or self._index is None or self._index.is_deleted():
            return False
        try:
            there = os.stat(self._log(0))  # noqa: PTH116 - no pathlib in the keeper
        except FileNotFoundError:
            return False
        here = os.fstat(self._fd)
        return (there.st_ino, there.st_dev, there.st_size) == (here.st_ino, here.st_dev, self.size)

    def fit(self, data: bytes | bytearray, start: int, stop: int, now_us: int) -> int:
        """Where a write of `data` from `start` to `stop` has to end to keep the limit; rotates when nothing fits."""
        if self.size >= self.max_bytes:
            self._rotate(now_us)
        room = self.max_bytes - self.size
        if stop - start <= room:
            return stop
        if (cut := data.rfind(b"\n", start, start + room) + 1) > start:
            return cut
        if self.size == 0 or self._is_line_open:
            return start + room
        self._rotate(now_us)
        return self.fit(data, start, stop, now_us)

    def append(self, data: memoryview, now_us: int) -> int:
        """Write what the system takes at once of `data` (not empty); returns how many bytes that was."""
        if self._index is not None:
            self._index.note_piece(self.size, now_us)  # first, so that no reader sees bytes with an older time
        if not (written := os.write(self._fd, data)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.size += written
        self._is_line_open = data[written - 1] != ord("\n")
        return written

    def note_gap(self, dropped_bytes: int) -> bool:
        """Record dropped bytes at the end of the file; False when the disk did not take the record."""
        return self._index is None or self._index.note_gap(self.size, dropped_bytes)

    def close(self) -> None:
        """Let go of file and index. Idempotent."""
        index, self._index = self._index, None
        fd, self._fd = self._fd, -1
        if index is not None:
            index.close()
        if fd >= 0:
            os.close(fd)

    def _log(self, number: int) -> str:
        return self._path("log", number)

    def _path(self, kind: str, number: int) -> str:
        name = f"{self._stream}.{kind}" + (f".{number}" if number else "")
        return os.path.join(self._directory, name)  # noqa: PTH118 - pathlib is too heavy for the keeper

    def _open_index(self, now_us: int) -> None:
        try:
            inode = os.fstat(self._fd).st_ino
            self._index = IndexWriter(self._path("idx", 0), inode, self.size, now_us, self._number + 1)
            self._number = self._index.number
        except OSError:
            self._index = None  # the log goes on without times; `is_in_place` makes the owner try again

    def _ends_in_a_line(self) -> bool:
        if not self.size:
            return False
        os.lseek(self._fd, -1, os.SEEK_END)
        return os.read(self._fd, 1) != b"\n"

    def _rotate(self, now_us: int) -> None:
        """Move every piece one number up, the oldest out, and begin a fresh file."""
        self.close()
        self._is_settled = False  # until every move is made
        last = 0
        while last < self._backups and os.path.exists(self._log(last)):  # noqa: PTH110 - no pathlib in the keeper
            last += 1  # a number that is free takes the shift: nothing older has to move
        _remove(self._path("idx", last))
        _remove(self._log(last))  # never moved over: ext4 would write out at once what replaces a file
        for number in range(last, 0, -1):
            _move(self._log(number - 1), self._log(number))
            _move(self._path("idx", number - 1), self._path("idx", number))
        self._is_settled = True
        self.open(now_us)

    def _settle(self) -> None:
        """Make good what an earlier writer left: surplus pieces, and an index that missed its file's last move."""
        for name in os.listdir(self._directory):  # noqa: PTH208 - no pathlib in the keeper
            stem, _, suffix = name.rpartition(".")
            is_ours = stem in {f"{self._stream}.log", f"{self._stream}.idx"} and suffix.isdecimal()
            if is_ours and int(suffix) > self._backups:
                _remove(os.path.join(self._directory, name))  # noqa: PTH118 - no pathlib in the keeper
        for number in range(self._backups, 0, -1):
            inode, _ = _read_index(self._path("idx", number - 1))
            if inode is not None and inode == _inode(self._log(number)):
                _move(self._path("idx", number - 1), self._path("idx", number))
        for number in range(self._backups, -1, -1):
            self._number = max(self._number, _read_index(self._path("idx", number))[1])
        self._is_settled = True


def make_private_folder(path: str) -> None:
    """Make the folder, for its owner only, and every missing parent likewise."""
    try:
        os.mkdir(path, 0o700)  # noqa: PTH102 - no pathlib in the keeper
    except FileExistsError:
        return
    except FileNotFoundError:
        make_private_folder(os.path.dirname(path))  # noqa: PTH120 - no pathlib in the keeper
        make_private_folder(path)


def _move(source: str, target: str) -> None:
    try:
        os.replace(source, target)  # noqa: PTH105 - no pathlib in the keeper
    except FileNotFoundError:
        return  # somebody deleted it: one piece less to keep


def _remove(path: str) -> None:
    try:
        os.unlink(path)  # noqa: PTH108 - no pathlib in the keeper
    except FileNotFoundError:
        return  # gone is what was wanted


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino & INODE_MASK  # noqa: PTH116 - no pathlib in the keeper
    except FileNotFoundError:
        return None


def _read_index(path: str) -> tuple[int | None, int]:
    """The inode and the number in the header of an index; None and 0 when there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return None, 0
    try:
        return read_header(fd)
    finally:
        os.close(fd)
