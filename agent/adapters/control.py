"""The Unix socket `stationctl` talks to: one JSON object a line in, one a line out.

Owns the socket, who is asking (the login from the kernel, the person from their PIN, neither from
the asker), and the bounds. Does not own any answer: requests go to the core as events and come back
as `Reply`; so does the refusal of a PIN, because it is recorded.

A request may carry `"signer": {"name": …, "pin": …}`. The PIN is compared here and goes no further.

Invariants: the socket is 0660 in the group of its directory, there is no other door; no client
can hold up the loop, another client, or the agent's end; a request is answered within
`ANSWER_WITHIN_S` or refused as busy; what is not a request is refused as malformed.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import pwd
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from agent.adapters.clock import wall_ms
from agent.adapters.pins import Known, PinCheck, Signer
from agent.adapters.ports import Emit
from agent.contract.bounds import plainly
from agent.contract.reasons import AckReason
from agent.core import requests
from agent.core.effects import Reply
from agent.core.events import Requested
from agent.core.pins import RIGHT_FOR

log = logging.getLogger(__name__)

LINE_MAX_BYTES = 64 * 1024
CLIENTS_MAX = 16
ANSWER_WITHIN_S = 10.0
IDLE_WITHIN_S = 300.0
TAKE_WITHIN_S = 5.0
"""A client that does not read its answer for so long is let go."""


class _Signed(msgspec.Struct, frozen=True):
    """What may stand beside a request."""

    signer: Signer | None = None


_decoder: msgspec.json.Decoder[requests.Request] = msgspec.json.Decoder(requests.Request)
_signed: msgspec.json.Decoder[_Signed] = msgspec.json.Decoder(_Signed)
_encoder = msgspec.json.Encoder()


class ControlSocket:
    """Obeys Reply. `start` and `close` belong to the loop."""

    def __init__(
        self,
        path: Path,
        emit: Emit,
        *,
        pins: PinCheck | None = None,
        pin_for: frozenset[str] = frozenset(),
        wall_ms: Callable[[], int] = wall_ms,
        answer_within_s: float = ANSWER_WITHIN_S,
        clients_max: int = CLIENTS_MAX,
    ) -> None:
        """pins None: nobody has a PIN. pin_for: what asks for one beside what always does."""
        self._path = path
        self._emit = emit
        self._pins = pins
        self._pin_for = pin_for
        self._wall_ms = wall_ms
        self._answer_within_s = answer_within_s
        self._clients_max = clients_max
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[msgspec.Struct]] = {}
        self._clients: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        # One thread of its own: guesses queue here and nowhere else.
        self._comparing = ThreadPoolExecutor(1, "pins")

    async def start(self) -> None:
        """Raises OSError: no such directory, no permission."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)  # of an agent that was killed; the state lock is ours
        before = os.umask(0o117)
        try:
            self._server = await asyncio.start_unix_server(
                self._come_in, self._path, limit=LINE_MAX_BYTES
            )
        finally:
            os.umask(before)

    async def close(self) -> None:
        """No new clients; those there are let go."""
        if self._server is None:
            return
        self._server.close()
        for client in list(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        self._comparing.shutdown(wait=False, cancel_futures=True)
        self._path.unlink(missing_ok=True)

    def reply(self, act: Reply) -> None:
        waiting = self._waiting.pop(act.id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(act.body)

    async def _come_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._clients) >= self._clients_max:
            writer.write(_line(requests.Refused("busy", "too many clients")))
            writer.close()
            return
        self._clients.add(task)
        try:
            await self._serve(reader, writer, _uid(writer))
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # it left, does not read, or we leave: in each case it is let go
        finally:
            self._clients.discard(task)
            writer.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, uid: int
    ) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE_WITHIN_S):
                    line = await reader.readline()
            except ValueError:
                await _send(writer, requests.Refused("too_large", f"{LINE_MAX_BYTES} bytes"))
                return
            if not line:
                return
            await _send(writer, await self._answer(line, uid))

    async def _answer(self, line: bytes, uid: int) -> msgspec.Struct:
        try:
            request = _decoder.decode(line)
            signer = _signed.decode(line).signer
        except msgspec.DecodeError as error:
            return requests.Refused("malformed", plainly(str(error)))
        by, refused = await self._admit(request, signer)
        if isinstance(request, requests.PinNoteRequest) and uid not in (0, os.geteuid()):
            refused = requests.Refused(AckReason.NOT_ALLOWED.value)
        if isinstance(request, requests.ApproveRequest):
            request = msgspec.structs.replace(request, by=by, means="pin")
        number = next(self._ids)
        answer: asyncio.Future[msgspec.Struct] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._emit(Requested(number, _login(uid), request, by, refused))
        try:
            async with asyncio.timeout(self._answer_within_s):
                return await answer
        except TimeoutError:
            return requests.Refused("busy", f"no answer within {self._answer_within_s} s")
        finally:
            self._waiting.pop(number, None)

    async def _admit(
        self, request: requests.Request, signer: Signer | None
    ) -> tuple[str, requests.Refused | None]:
        """The person whose PIN was right ("": nobody said who they are), or why not."""
        right = RIGHT_FOR.get(type(request))
        if signer is None:
            needed = right is not None or _kind(request) in self._pin_for
            return "", requests.Refused(AckReason.PIN_NEEDED.value) if needed else None
        if self._pins is None:
            return "", requests.Refused(AckReason.UNKNOWN_PERSON.value)
        found = await asyncio.get_running_loop().run_in_executor(
            self._comparing, self._pins.check, signer, self._wall_ms()
        )
        if not isinstance(found, Known):
            return "", found
        if right is not None and right not in found.may:
            return found.name, requests.Refused(AckReason.NO_RIGHT.value, right)
        return found.name, None


def _kind(request: requests.Request) -> str:
    return str(request.__struct_config__.tag)


async def _send(writer: asyncio.StreamWriter, answer: msgspec.Struct) -> None:
    writer.write(_line(answer))
    async with asyncio.timeout(TAKE_WITHIN_S):
        await writer.drain()


def _line(answer: msgspec.Struct) -> bytes:
    return _encoder.encode(answer) + b"\n"


def _uid(writer: asyncio.StreamWriter) -> int:
    """The user at the other end, as the kernel says."""
    sock: socket.socket = writer.get_extra_info("socket")
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", raw)
    return int(uid)


def _login(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
