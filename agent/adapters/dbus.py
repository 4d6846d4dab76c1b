"""One short conversation on the system bus: connect, ask, close. Never waits longer than told.

Owns the socket around `jeepney`'s protocol engine, so that it is closed whatever happens. Does not
own whom to ask or what the answers mean.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from jeepney import DBusAddress, MessageFlag, MessageType, new_method_call
from jeepney.auth import BEGIN, AuthenticationError, Authenticator
from jeepney.bus import get_bus
from jeepney.bus_messages import message_bus
from jeepney.io.asyncio import DBusConnection, DBusRouter
from jeepney.io.common import RouterClosed
from jeepney.low_level import SizeLimitError
from jeepney.wrappers import DBusErrorResponse

SYSTEM = "SYSTEM"
"""The system bus, or what DBUS_SYSTEM_BUS_ADDRESS names; another bus goes by its address."""

PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
NOBODY = frozenset(
    {
        "org.freedesktop.DBus.Error.ServiceUnknown",
        "org.freedesktop.DBus.Error.NameHasNoOwner",
    }
)
"""Errors of the bus itself: the service does not run."""


class BusError(Exception):
    """The bus or the service did not answer as it should. name: the D-Bus error, or ""."""

    def __init__(self, text: str, name: str = "") -> None:
        super().__init__(text)
        self.name = name


class Bus:
    """An open connection; made by `opened`."""

    def __init__(self, router: DBusRouter, service: str) -> None:
        self._router = router
        self._service = service

    async def call(
        self, path: str, interface: str, method: str, signature: str = "", *body: Any
    ) -> tuple[Any, ...]:
        """The body of the answer. Does not start the service. Raises BusError."""
        address = DBusAddress(path, self._service, interface)
        message = new_method_call(address, method, signature or None, body)
        message.header.flags = MessageFlag.no_auto_start
        reply = await self._router.send_and_get_reply(message)
        if reply.header.message_type is MessageType.error:
            error = DBusErrorResponse(reply)
            raise BusError(str(error.data[0] if error.data else error.name), str(error.name))
        return tuple(reply.body)

    async def properties(self, path: str, interface: str) -> dict[str, Any]:
        """All of one interface, each a (signature, value). Raises BusError."""
        (found,) = await self.call(path, PROPERTIES, "GetAll", "s", interface)
        return dict(found)


@contextlib.asynccontextmanager
async def opened(service: str, address: str = SYSTEM, within_s: float = 10.0) -> AsyncIterator[Bus]:
    """A connection for questions to `service`, for at most `within_s`. Raises BusError."""
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_unix_connection(get_bus(address))
            try:
                await _authenticate(reader, writer)
                async with DBusRouter(DBusConnection(reader, writer)) as router:
                    hello = await router.send_and_get_reply(message_bus.Hello())
                    if hello.header.message_type is MessageType.error:
                        raise BusError("the bus refused us")
                    yield Bus(router, service)
            finally:
                writer.close()
    except TimeoutError:
        raise BusError(f"no answer within {within_s:g} s") from None
    except (
        OSError,
        EOFError,
        RuntimeError,
        RouterClosed,
        AuthenticationError,
        SizeLimitError,
    ) as error:
        raise BusError(str(error) or type(error).__name__) from error


async def _authenticate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    talk = Authenticator()
    for request in talk:
        writer.write(request)
        await writer.drain()
        answer = await reader.read(1024)
        if not answer:
            raise EOFError("closed before we were let in")
        talk.feed(answer)
    writer.write(BEGIN)
    await writer.drain()
