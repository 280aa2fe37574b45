"""Disk space kept for the exit record, and the removal of a throw-away home."""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # tells the type checker which half of the world this is

import contextlib
import os

from engine.process import posix
from engine.process.records import Record, encode_record, write_all

RESERVED_BYTES = 4096


class Reservation:
    """A file as large as an exit record can get, filled and renamed when the record is known.

    So a full disk cannot keep an end from being recorded.
    """

    def __init__(self, path: str) -> None:
        """Reserve the space beside `path`.

        Raises:
            OSError: no space, or no folder.
        """
        self.path = path
        self.fresh = f"{path}.reserved"
        self.handle = os.open(self.fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            write_all(self.handle, b"\n" * RESERVED_BYTES)
        except OSError:
            self.discard()
            raise

    def is_in_place(self) -> bool:
        """True while the reserved file is where it was made."""
        return posix.is_same_file(self.handle, self.fresh)

    def discard(self) -> None:
        """Give the space back."""
        os.close(self.handle)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.fresh)

    def fill(self, record: Record) -> None:
        """Put the record in place. Where even that fails it is said on stderr; the freed lock still tells the end."""
        try:
            os.lseek(self.handle, 0, os.SEEK_SET)
            write_all(self.handle, encode_record(record)[:RESERVED_BYTES])
            os.replace(self.fresh, self.path)
        except OSError as error:
            print(f"exit record {self.path}: {error}", file=sys.stderr, flush=True)
        finally:
            os.close(self.handle)


def remove_home(folder: str, own_lock: str) -> None:
    """Remove a throw-away home when no other run and no supervisor is left in it. Called after `own_lock` was freed.

    One keeper at a time looks, so that of several ending together the last one finds all locks free.
    """
    try:
        turn = posix.wait_lock(os.path.join(folder, "remove.lock"))
    except FileNotFoundError:
        return  # another one has removed it
    run_dir = os.path.dirname(own_lock)
    try:
        locks = [entry.path for entry in os.scandir(run_dir) if entry.name.endswith(".lock")]
        locks.append(os.path.join(folder, "supervisor.lock"))
        if not any(posix.is_locked(path) for path in locks):
            _remove_tree(folder)
    except FileNotFoundError:
        return  # likewise removed, while we waited for our turn
    finally:
        os.close(turn)


def _remove_tree(folder: str) -> None:
    try:
        for base, folders, files in os.walk(folder, topdown=False):
            for name in files:
                os.unlink(os.path.join(base, name))
            for name in folders:
                os.rmdir(os.path.join(base, name))
        os.rmdir(folder)
    except OSError as error:
        print(f"{folder}: not removed: {error}", file=sys.stderr, flush=True)
