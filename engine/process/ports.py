"""Which ports are free, who holds those that are not, and which one `auto` takes."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Mapping

from engine.errors import PortInUseError, StartFailedError
from engine.process.listeners import describe_listener

AUTO_FIRST = 8080
AUTO_LAST = 9999
"""Where `auto` looks, upwards, before it takes any port that the system gives."""
GIVEN_TRIES = 100


def is_port_free(host: str, port: int) -> bool:
    """True when every address of `host` that this machine has can be bound at `port` right now.

    Sockets are set up as llama-server does it: a port whose last connections are still closing counts as free, and
    the IPv6 wildcard takes IPv4, too.

    Raises:
        OSError: `host` is no address of this machine, or the port needs more rights.
    """
    found = {(family, address) for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    unavailable: list[OSError] = []
    for family, address in found:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                probe.bind(address)
        except PermissionError:
            raise
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                return False
            unavailable.append(error)  # localhost may name ::1 on a machine without IPv6
    if len(unavailable) == len(found):
        raise unavailable[0]
    return True


def check_port_available(name: str, host: str, port: int, holders: Mapping[int, str]) -> None:
    """Refuse a port that another instance holds (`holders`: ports and names), or anybody else on this machine.

    Raises:
        PortInUseError: the message names the instance, or the program and its PID.
        StartFailedError: the host is no address of this machine, or the port needs more rights.
    """
    if holder := holders.get(port):
        raise PortInUseError(name, port, f"instance {holder}")
    if not _is_free(name, host, port):
        raise PortInUseError(name, port, describe_listener(host, port))


class PortBook:
    """The ports our instances hold or are about to hold. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[int, str] = {}

    def release(self, name: str) -> None:
        """Forget what an instance held."""
        with self._lock:
            self._holders = {port: holder for port, holder in self._holders.items() if holder != name}

    def note(self, name: str, port: int) -> None:
        """Write down the port of a run that is alive already."""
        with self._lock:
            self._holders[port] = name

    def reserve(self, name: str, host: str, wanted: int | None, last: int | None, avoid: frozenset[int]) -> int:
        """Reserve the port `wanted`, or for None (``auto``) the `last` one again if it is free, else another.

        `avoid` holds the ports that other instances have: fixed in the configuration, or kept for their next run.

        Raises:
            PortInUseError: the wanted port is taken; the message names the holder.
            StartFailedError: the host is no address of this machine, or the port needs more rights.
        """
        with self._lock:
            self._holders = {port: holder for port, holder in self._holders.items() if holder != name}
            if wanted is not None:
                check_port_available(name, host, wanted, self._holders)
                chosen = wanted
            else:
                chosen = self._choose(name, host, last, avoid)
            self._holders[chosen] = name
            return chosen

    def _choose(self, name: str, host: str, last: int | None, avoid: frozenset[int]) -> int:
        candidates = ([last] if last else []) + list(range(AUTO_FIRST, AUTO_LAST + 1))
        for port in candidates:
            if port not in self._holders and port not in avoid and _is_free(name, host, port):
                return port
        for _ in range(GIVEN_TRIES):
            port = _ask_system(host)
            if port not in self._holders and port not in avoid and _is_free(name, host, port):
                return port
        raise StartFailedError(f"{name}: no free port on {host}; give it one with `port`")


def _ask_system(host: str) -> int:
    """A port that the system gives at the first address of `host`."""
    family, _, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind(address)
        return int(probe.getsockname()[1])


def _is_free(name: str, host: str, port: int) -> bool:
    try:
        return is_port_free(host, port)
    except OSError as error:
        raise StartFailedError(f"{name}: cannot listen on {host} port {port}: {error.strerror or error}") from error
