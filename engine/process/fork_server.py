"""The fork server: a small process of a leader that becomes keepers by forking.

Run as ``python -I -S fork_server.py PADDING`` with the leader's socket as standard input and output. A forked keeper
shares every module with all the others, where one that is executed reads them anew. One thread, one order at a time,
everything imported before the first. It ends with the leader's end of the socket; what it has forked lives on.

The answer to ``fork`` comes before the keeper is given its specification: a leader that hears none gives it to another
keeper, and one that was forked unheard finds its specification empty and ends.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # tells the type checker which half of the world this is

import array  # noqa: F401 - the socket module imports it with the first descriptors, too late for us
import errno
import gc
import os
import select
import signal
import socket

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from engine.process import keeper
from engine.process.records import VERSION, Record, RecordReader, encode_record, get_value
from engine.process.stack_strings import StackStrings

READ_BYTES = 1 << 16
STREAMS = 3
"""Descriptors that come with an order to fork: specification, answer, errors."""


class ForkServer:
    """Carries out one leader's orders. Single-threaded."""

    def __init__(self, leader: socket.socket, shown: StackStrings) -> None:
        self._leader = leader
        self._shown = shown
        self._children: set[int] = set()
        self._handles: list[int] = []
        self._wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Carry out orders until the leader is gone.

        Raises:
            OSError: it is gone, and has not heard our last answer.
            ValueError: what it says is no order.
        """
        reader = RecordReader()
        self._answer("ready")
        while True:
            ready, _, _ = select.select([self._leader.fileno(), self._wake_read], [], [])
            if self._wake_read in ready:
                os.read(self._wake_read, READ_BYTES)
                self._collect()
            if self._leader.fileno() in ready:
                data, handles, _, _ = socket.recv_fds(self._leader, READ_BYTES, STREAMS)
                self._handles += handles
                if not data:
                    return
                for order in reader.feed(data):
                    self._obey(order)

    def _answer(self, event: str, *told: tuple[str, str]) -> None:
        self._leader.sendall(encode_record([("version", str(VERSION)), ("event", event), *told]))

    def _obey(self, order: Record) -> None:
        match get_value(order, "order"):
            case "fork":
                self._fork(order)
            case "end":
                self._end(int(get_value(order, "pid")))
            case other:
                raise ValueError(f"no order: {other!r}")

    def _fork(self, order: Record) -> None:
        """Become, in a child, the keeper of a run; its streams are closed here."""
        streams, self._handles = self._handles, []
        try:
            pid = _fork_with(streams)
            if pid == 0:
                self._become_keeper(get_value(order, "name"), get_value(order, "run"), streams)
        except OSError as error:
            self._answer("failed", ("errno", str(error.errno)))
            return
        finally:
            for handle in streams:
                os.close(handle)
        self._children.add(pid)
        self._answer("forked", ("pid", str(pid)))

    def _become_keeper(self, name: str, run_id: str, streams: list[int]) -> None:
        """What an executed keeper begins with, and then its life. Does not return."""
        status = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._shown.write(keeper.__file__, name, f"{name}:{run_id}")
            for target, handle in enumerate(streams):
                os.dup2(handle, target)
            status = keeper.main()
        except BaseException:  # noqa: BLE001 - the top of a process: what an interpreter does with it
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)

    def _end(self, pid: int) -> None:
        """Kill a keeper, if it still lives, and collect it: unreaped, its PID is surely its own."""
        if pid in self._children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self._children.discard(pid)
        self._answer("ended")

    def _collect(self) -> None:
        """Leave no zombies."""
        while self._children:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)


def _fork_with(streams: list[int]) -> int:
    """Fork, when all the streams are there.

    Raises:
        OSError: it cannot be, or the system had no descriptors left for us and has dropped some of them.
    """
    if len(streams) != STREAMS:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return os.fork()


def main() -> None:
    """Serve the leader at the other end of standard input."""
    os.closerange(STREAMS, keeper.HANDLE_LIMIT)
    os.chdir("/")
    shown = StackStrings(sys.argv[0], sys.argv[1])
    shown.write(sys.argv[0], "", "")  # the leader looks whether others see it
    server = ForkServer(socket.socket(fileno=0), shown)
    gc.collect()
    gc.freeze()  # the collector would write into the pages that all keepers share
    server.serve()


if __name__ == "__main__":
    main()
