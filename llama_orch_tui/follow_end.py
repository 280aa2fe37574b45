"""When a command that follows ends: at Ctrl-C, or when whoever reads what it prints has gone."""

from __future__ import annotations

import contextlib
import io
import select
import signal
import socket
import sys
from typing import Self

from llama_orch_tui import output


class FollowEnd:
    """A context manager for the main thread. A second Ctrl-C ends the program whatever it waits for."""

    def __init__(self) -> None:
        self._hear, self._speak = socket.socketpair()
        for end in (self._hear, self._speak):
            end.setblocking(False)
        self._is_set = False

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._note)
        self._wakeup_before = signal.set_wakeup_fd(self._speak.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup_before)
        signal.signal(signal.SIGINT, self._before)
        self._hear.close()
        self._speak.close()

    def is_set(self) -> bool:
        """True once it is time to end."""
        return self._is_set

    def wait(self, timeout: float | None = None, /) -> bool:
        """Have what was printed read, then wait for the end for so many seconds; True when it has come."""
        output.flush()
        if not self._is_set and _wait(self._hear, timeout):
            self._is_set = True
        with contextlib.suppress(BlockingIOError):
            self._hear.recv(4096)
        return self._is_set

    def _note(self, *_: object) -> None:
        # An attribute, no event: its lock may be held by the very code that this interrupts.
        self._is_set = True
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if sys.platform == "win32":

    def _wait(bell: socket.socket, timeout_s: float | None) -> bool:
        """Wait for the bell; a reader that has gone is noticed with the next line."""
        select.select([bell], [], [], timeout_s)
        return False

else:

    def _wait(bell: socket.socket, timeout_s: float | None) -> bool:
        """Wait for the bell; True when nobody can read our output any more, also while we print nothing."""
        poll = select.poll()
        poll.register(bell, select.POLLIN)
        with contextlib.suppress(io.UnsupportedOperation):  # a test's output has no descriptor
            poll.register(sys.stdout.fileno(), 0)
        ready = poll.poll(None if timeout_s is None else timeout_s * 1000)
        return any(mask & (select.POLLERR | select.POLLHUP) for _, mask in ready)


def die_by_ctrl_c() -> None:
    """Let Ctrl-C end this program as it ends any reader of files: at once, without a word."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
