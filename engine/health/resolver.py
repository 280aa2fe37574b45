"""The addresses behind a host, as a probe needs them. Owned by the event loop's thread."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from engine.health.chores import Chores
from engine.health.targets import dial_host

NAME_LIFE_S = 60.0
"""How long a look-up is believed."""


class Resolver:
    """Looks a name up beside the loop: a name server may take its time."""

    def __init__(self, chores: Chores) -> None:
        self._chores = chores
        self._literal: dict[str, tuple[str, ...]] = {}
        self._looked_up: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Addresses to try in turn.

        Raises:
            OSError: nobody knows the name.
        """
        found = self._literal.get(host)
        if found is not None:
            return found
        address = dial_host(host)
        try:
            ipaddress.ip_address(address)
        except ValueError:
            return await self._look_up(address)
        self._literal[host] = (address,)
        return self._literal[host]

    async def _look_up(self, name: str) -> tuple[str, ...]:
        now = asyncio.get_running_loop().time()
        until, known = self._looked_up.get(name, (0.0, ()))
        if now < until:
            return known
        work = self._chores.submit(lambda: socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
        found = tuple(dict.fromkeys(str(row[4][0]) for row in await asyncio.wrap_future(work)))
        self._looked_up[name] = (now + NAME_LIFE_S, found)
        return found
