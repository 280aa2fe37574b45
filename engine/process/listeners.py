"""Which process tree listens on a port: another server's ``/health`` answers 200, too."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import psutil

READ_BYTES = 64 * 1024


def find_stranger(pid: int, port: int) -> str:
    """Who listens on `port` in place of the tree of `pid`; empty when that tree does, or when it cannot be known."""
    if _listens_itself(pid, port):
        return ""
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
        for process in tree:
            for connection in process.net_connections(kind="tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
                    return ""
        others = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return ""
    for other in others:
        if other.status == psutil.CONN_LISTEN and other.laddr and other.laddr.port == port:
            return f"PID {other.pid}" if other.pid else "another user's process"
    return ""


def _listens_itself(pid: int, port: int) -> bool:
    """True when this very process listens there: the usual case, found without a look at all processes."""
    if sys.platform != "linux":
        return False
    try:
        held = {_read_link(one) for one in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return False  # gone, or another user's
    return any(not held.isdisjoint(_find_sockets(Path("/proc/net", table), port)) for table in ("tcp", "tcp6"))


def _find_sockets(table: Path, port: int) -> set[str]:
    """The sockets that listen on a port, as links of file descriptors name them."""
    listening = re.compile(rb":%04X [0-9A-F]+:0000 0A (?:\S+ +){5}(\d+)" % port)
    try:
        with table.open("rb", buffering=0) as file:
            # The kernel lists those that listen first, and behind them what may be a hundred thousand connections.
            lines = b""
            while (piece := file.read(READ_BYTES)) and b" 0A 0" in piece:
                lines += piece
    except OSError:
        return set()
    return {f"socket:[{inode.decode()}]" for inode in listening.findall(lines)}


def _read_link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""  # closed in the meantime
