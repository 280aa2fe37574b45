"""Waiting for signals and for other threads alike, without a sleep and without a lock in a signal handler."""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
import types
from collections.abc import Callable, Iterable
from typing import Any, Self

_RING = b"\0"
"""No signal has the number 0."""

Handler = Callable[[int, types.FrameType | None], Any] | int | signal.Handlers | None


class SignalBell:
    """One thread waits (the main one, which opens it); signals and `ring` wake it. A context manager."""

    def __init__(self, numbers: Iterable[signal.Signals]) -> None:
        self._numbers = tuple(numbers)
        self._hear, self._speak = socket.socketpair()
        for end in (self._hear, self._speak):
            end.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._hear, selectors.EVENT_READ)
        self._before: dict[signal.Signals, Handler] = {}
        self._wakeup_before = -1

    def __enter__(self) -> Self:
        self._wakeup_before = signal.set_wakeup_fd(self._speak.fileno(), warn_on_full_buffer=False)
        # The byte on the wake-up socket tells of the signal; a handler must stand there for one to be written.
        self._before = {number: signal.signal(number, _do_nothing) for number in self._numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        self._selector.close()
        self._hear.close()
        self._speak.close()

    def ring(self) -> None:
        """Wake whoever waits. From any thread; returns at once."""
        with contextlib.suppress(OSError):  # a full bell rings already, a closed one has nobody to wake
            self._speak.send(_RING)

    def wait(self, timeout_s: float | None) -> frozenset[signal.Signals]:
        """The signals that have come, none when it was rung or `timeout_s` seconds have passed."""
        self._selector.select(timeout_s)
        try:
            heard = self._hear.recv(4096)
        except BlockingIOError:
            return frozenset()
        return frozenset(number for number in self._numbers if int(number) in heard)


def _do_nothing(_number: int, _frame: types.FrameType | None) -> None:
    """The wake-up socket has told it."""
