"""What others see of this process, its last argument and one variable, written anew where the system reads it.

A forked process shows the command line and the environment that its parent was executed with. The system reads both
from the top of the stack, where the variables follow the arguments (Linux and macOS alike): written over within their
length, they say what the fork is. Nothing is written unless all of it was found there.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # tells the type checker which half of the world this is

import ctypes
import errno
import os


class StackStrings:
    """Of this very process; it was executed with program and one argument at the end, and with two variables."""

    def __init__(self, program: str, argument: str) -> None:
        """Find the argument, and the second variable.

        Raises:
            OSError: they are not where they belong.
        """
        self._libc = ctypes.CDLL(None)
        self._libc.getenv.restype = ctypes.c_void_p
        first, second = list(os.environ)[:2]  # what Python has added to them comes behind
        shown = os.fsencode(f"{program}\0{argument}\0")
        variables = os.fsencode(f"{first}={os.environ[first]}\0{second}=")
        value = os.fsencode(os.environ[second])
        self._value = self._find(second)
        self._value_room = len(value)
        self._argument = self._value - len(variables) - len(shown)
        self._argument_room = len(shown) - 1
        everything = shown + variables + value
        if ctypes.string_at(self._argument, len(everything)) != everything:
            raise OSError(errno.ENOTSUP, "arguments and environment are not where they belong")

    def write(self, program: str, argument: str, value: str) -> None:
        """Show `program` with `argument`, made longer with spaces, and `value` as the variable's.

        Raises:
            OSError: there is no room.
        """
        shown, token = os.fsencode(f"{program}\0{argument}"), os.fsencode(value)
        if len(shown) > self._argument_room or len(token) > self._value_room:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), value)
        ctypes.memmove(self._argument, shown.ljust(self._argument_room), self._argument_room)
        ctypes.memmove(self._value, token.ljust(self._value_room, b"\0"), self._value_room)

    def _find(self, name: str) -> int:
        address = self._libc.getenv(os.fsencode(name))
        if not address:
            raise OSError(errno.ENOTSUP, "the environment is not where it belongs")
        return int(address)
