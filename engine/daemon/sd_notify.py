"""Telling systemd how the daemon is: readiness, its end, and the sign of life that the watchdog wants.

The protocol is datagrams of ``KEY=value`` lines to the socket in NOTIFY_SOCKET; without one, nothing is sent.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import MutableMapping

VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
BEATS_PER_PERIOD = 3.0
"""A sign of life is sent that often within the watchdog's period; systemd advises two at least."""

SEND_LIMIT_S = 0.5
"""A systemd that takes nothing up must not keep the daemon."""


class Notifier:
    """Speaks to systemd. `address` empty means that nobody listens."""

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.beat_period_s = None if watchdog_s is None else watchdog_s / BEATS_PER_PERIOD
        """Seconds between signs of life; None when no watchdog waits for them."""

    def tell_ready(self, status: str) -> None:
        """It stands by, or leads."""
        self._send("READY=1", f"STATUS={status}")

    def tell_status(self, status: str) -> None:
        """A line for `systemctl status`."""
        self._send(f"STATUS={status}")

    def tell_stopping(self) -> None:
        """It ends."""
        self._send("STOPPING=1")

    def beat(self) -> None:
        """It is alive."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address or not hasattr(socket, "AF_UNIX"):
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(SEND_LIMIT_S)
            sender.sendto("\n".join(lines).encode(), self._address)


def take_notifier(environ: MutableMapping[str, str]) -> Notifier:
    """The notifier that systemd asked for; its variables are taken out of `environ`, so that no model inherits them."""
    address, period, pid = (environ.pop(name, "") for name in VARIABLES)
    is_ours = pid in {"", str(os.getpid())}
    watchdog_s = int(period) / 1e6 if period.isdecimal() and int(period) and is_ours and address else None
    return Notifier(address, watchdog_s)
