"""A real terminal for the real program: keys in, bytes out, and a plug to pull."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping, Sequence

import psutil

from tests.fakes.waiting import wait_until

assert sys.platform != "win32"  # pseudo-terminals are POSIX

TAKE_TERMINAL = (
    "import fcntl, os, sys, termios\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\nos.execv(sys.executable, sys.argv[1:])"
)
"""Makes stdin the controlling terminal of a new session, and becomes the Python program of its arguments."""
SHELL = """
import os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = os.fork()
if not child:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
"""Runs the Python program of its arguments as a shell does: in the foreground, in a process group of its own."""
ESCAPES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")
SIZE = (40, 140)


class Terminal:
    """One program on a terminal of its own. A context manager: the program is killed at the end if it still lives.

    With `in_shell` it is the child of one that could go on with it; `program` is that one then, and `job` the child.
    """

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str], *, in_shell: bool = False) -> None:
        self._in_shell = in_shell
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self._shown = bytearray()
        self._stop_hear, self._stop_say = os.pipe()
        # Whoever runs the tests may say a size, which would count for more than the terminal's own.
        inherited = {name: value for name, value in environ.items() if name not in {"COLUMNS", "LINES"}}
        self.program = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, sys.executable, *(("-c", SHELL) if in_shell else ()), *arguments],
            env={**inherited, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:  # noqa: PYI034 - nobody inherits from it
        return self

    def __exit__(self, *_: object) -> None:
        for job in self._jobs():
            with contextlib.suppress(psutil.NoSuchProcess):
                job.kill()
        self.program.kill()
        self.program.wait()
        self.pull_the_plug()

    @property
    def job(self) -> int:
        """The PID of what the shell runs, once it does."""
        assert wait_until(lambda: bool(self._jobs())), "the shell never ran anything"
        return self._jobs()[0].pid

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def until_shown(self, text: str) -> None:
        """Wait until `text` was drawn since the last `forget`."""
        assert wait_until(lambda: text in self.text()), f"{text!r} never came:\n{self.text()}"

    def text(self) -> str:
        """Everything drawn since the last `forget`, without escapes."""
        return ESCAPES.sub(b"", bytes(self._shown)).decode("utf-8", "replace")

    def forget(self) -> None:
        """Look only at what comes from here on."""
        self._shown.clear()

    def pull_the_plug(self) -> None:
        """Close the terminal: its program hears SIGHUP. Idempotent."""
        if self._master < 0:
            return
        os.close(self._stop_say)
        self._reader.join()  # a descriptor that somebody reads from is not really closed
        for handle in (self._stop_hear, self._master):
            os.close(handle)
        self._master = -1

    def _jobs(self) -> list[psutil.Process]:
        """What the shell runs at this moment."""
        if not self._in_shell or self.program.poll() is not None:
            return []
        return psutil.Process(self.program.pid).children()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the program has let go of its end
            while self._stop_hear not in select.select([self._master, self._stop_hear], [], [])[0]:
                self._shown += os.read(self._master, 1 << 16)
