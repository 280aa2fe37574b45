"""Which process tree listens on a port: another server's ``/health`` answers 200, too."""

from __future__ import annotations

import psutil


def find_stranger(pid: int, port: int) -> str:
    """Who listens on `port` in place of the tree of `pid`; empty when that tree does, or when it cannot be known."""
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
