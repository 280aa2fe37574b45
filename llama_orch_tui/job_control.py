"""Whether somebody is there to go on with this process once it stands still."""

from __future__ import annotations

import os
import sys

import psutil

NOBODY = (
    "No shell is above the console that `fg` could be typed in: it would stand still for ever. "
    "Start it from a shell to suspend it."
)


def find_hindrance() -> str:
    """Why `ctrl+z` must not be obeyed; empty when it may. Reads the processes above: not for the UI thread.

    What the kernel calls an orphaned process group gets no SIGTSTP from a terminal either: as with ``xterm -e``, where
    the console is all that runs in its session.
    """
    return "" if _has_shell() else NOBODY


def _has_shell() -> bool:
    """True when a process above is in our session, but not in our group: it has put us there, and waits."""
    if sys.platform == "win32":
        return False
    group, session = os.getpgrp(), os.getsid(0)
    try:
        above = psutil.Process().parent()
        while above is not None and os.getsid(above.pid) == session:
            if os.getpgid(above.pid) != group:
                return True
            above = above.parent()
    except (psutil.Error, OSError):
        return False  # gone, or of a session that may not be looked at
    return False
