"""A few threads for what can only be waited for: name look-ups, process tables, executing a script."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

THREADS = 16
"""At most; one is started when work waits and none is idle."""

T = TypeVar("T")


class Chores:
    """Daemon threads that outlive `close` only inside a system call that does not return.

    A ThreadPoolExecutor would be waited for at the interpreter's end, however long a dead file server takes.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._pending = 0
        """Pieces of work that were handed in and are not done."""

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Have `work` done; what it raises is in the future."""
        future: Future[T] = Future()

        def carry_out() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - belongs to whoever waits
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._lock:
            self._pending += 1
            if self._pending > len(self._threads) and len(self._threads) < THREADS:
                name = f"health-chore-{len(self._threads) + 1}"
                self._threads.append(threading.Thread(target=self._run, name=name, daemon=True))
                self._threads[-1].start()
        self._queue.put(carry_out)
        return future

    def close(self, within_s: float) -> None:
        """End the threads, waiting for them no longer than `within_s` seconds."""
        deadline = time.monotonic() + within_s
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
            with self._lock:
                self._pending -= 1
