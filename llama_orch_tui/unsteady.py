"""Runs a server that will be ended by an alarm after a random time: the demo's instance that fails now and then.

``python -I unsteady.py SHORTEST LONGEST PROGRAM ARGUMENT…``: the alarm is set in this process and survives exec
(alarm(2)), so that the server itself is the real one and knows nothing of its fate.
"""

from __future__ import annotations

import os
import random
import signal
import sys

assert sys.platform != "win32"  # tells the type checker which half of the world this is


def main() -> None:
    """Set the alarm and become the server."""
    shortest, longest = int(sys.argv[1]), int(sys.argv[2])
    seconds = random.randint(shortest, longest)  # noqa: S311 - a demo, not a secret
    sys.stderr.write(f"unsteady: an alarm will end this server in {seconds} s\n")
    sys.stderr.flush()
    signal.alarm(seconds)
    os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
