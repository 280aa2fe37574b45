"""Who listens on a port: another server's ``/health`` answers 200, too."""

from __future__ import annotations

import ipaddress
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

READ_BYTES = 64 * 1024
_LISTENING = re.compile(rb":([0-9A-F]{4}) [0-9A-F]+:0000 0A (?:\S+ +){5}(\d+)")
_WILDCARDS = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class Listener:
    """One that listens."""

    pid: int | None
    """None for a process of another user."""

    def describe(self) -> str:
        """For people: ``nc (PID 4711)``."""
        if self.pid is None:
            return "another user's process"
        try:
            return f"{psutil.Process(self.pid).name()} (PID {self.pid})"
        except psutil.Error:
            return f"PID {self.pid}"


def find_listeners(host: str, port: int) -> list[Listener]:
    """Everybody whose socket is in the way of one on `host` at `port`. Looks at every process, some 20 ms.

    Raises:
        psutil.Error: this system does not let us look.
        OSError: likewise.
    """
    return [
        Listener(one.pid)
        for one in psutil.net_connections(kind="tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and _overlap(host, one.laddr.ip)
    ]


def describe_listener(host: str, port: int) -> str:
    """Who is in the way, as well as this user may know: ``python (PID 4711)`` or ``another process``."""
    try:
        found = find_listeners(host, port)
    except (psutil.Error, OSError):
        found = []
    known = next((one for one in found if one.pid is not None), None)
    return known.describe() if known else "another process"


def find_stranger(pid: int, host: str, port: int) -> Listener | None:
    """Who listens in place of the tree of `pid`; None when that tree does, nobody does, or it cannot be known."""
    if _listens_itself(pid, port):
        return None
    try:
        root = psutil.Process(pid)
        tree = {root.pid, *(child.pid for child in root.children(recursive=True))}
        found = find_listeners(host, port)
    except (psutil.Error, OSError):
        return None
    return None if any(one.pid in tree for one in found) else next(iter(found), None)


def _overlap(host: str, address: str) -> bool:
    """Whether a listener on `address` is in the way of one on `host`; a name may be any address."""
    if host in _WILDCARDS or address in _WILDCARDS:
        return True
    try:
        return ipaddress.ip_address(host) == ipaddress.ip_address(address)
    except ValueError:
        return True


def _listens_itself(pid: int, port: int) -> bool:
    """True when this very process listens there: the usual case, found without a look at all processes."""
    if sys.platform != "linux":
        return False
    try:
        held = {_read_link(one) for one in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return False  # gone, or another user's
    return not held.isdisjoint(read_sockets().get(port, ()))


def read_sockets() -> dict[int, set[str]]:
    """The sockets that listen on each port, as links of file descriptors name them; empty where /proc tells nothing.

    Cheap, and enough to see that nothing has changed.
    """
    sockets: dict[int, set[str]] = {}
    for table in ("tcp", "tcp6"):
        for port, inode in _LISTENING.findall(_read_listening(table)):
            sockets.setdefault(int(port, 16), set()).add(f"socket:[{inode.decode()}]")
    return sockets


def _read_listening(table: str) -> bytes:
    """The kernel lists those that listen first, and behind them what may be a hundred thousand connections."""
    lines = b""
    try:
        with Path("/proc/net", table).open("rb", buffering=0) as file:
            while (piece := file.read(READ_BYTES)) and b" 0A 0" in piece:
                lines += piece
    except OSError:
        return b""
    return lines


def _read_link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""  # closed in the meantime
