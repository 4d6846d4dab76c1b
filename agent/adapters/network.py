"""The links of the box, looked at once a minute: interfaces, counters, the modem.

Owns the rhythm. Reading the kernel is `interfaces`, asking the modem `modem`; what a link costs or
why it is bad is decided in the core.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from agent.adapters.interfaces import Interfaces
from agent.adapters.ports import Emit
from agent.core.events import ModemSeen, NetworkSeen

EVERY_S = 60.0


class ModemPort(Protocol):
    """Whoever can tell about the modem."""

    async def look(self) -> ModemSeen | None:
        """None: nobody can."""


class NetworkLook:
    """`run` is its supervised task. modem None: nobody is asked."""

    def __init__(
        self,
        modem: ModemPort | None,
        emit: Emit,
        *,
        interfaces: Interfaces | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._modem = modem
        self._emit = emit
        self._interfaces = interfaces or Interfaces()
        self._sleep = sleep

    async def run(self) -> None:
        while True:
            self._emit(await self.look())
            await self._sleep(EVERY_S)

    async def look(self) -> NetworkSeen:
        links = await asyncio.to_thread(self._interfaces.look)
        return NetworkSeen(links, await self._modem.look() if self._modem is not None else None)
