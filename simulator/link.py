"""The 4G link of one station: a TCP proxy with delay, rate, loss of everything, and counters.

Owns one event loop in a thread and the listening sockets of every link. Sits between a station
and the district's broker and content server; knows neither MQTT nor HTTP (but for CONNECT, so
that an unchanged `https_proxy` can lead through it). TLS passes through untouched.

Conditions can be changed at any moment and hold for connections that stand:
`cut` refuses new connections and drops the standing ones; `black_hole` accepts and passes
nothing, as a dead NAT entry does. Invariant: a byte is counted when it has been passed on.

Delay is one way, each way; rate is bytes per second, each way, shared by all connections of the
link (a token bucket of a tenth of a second).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Literal, NamedTuple, Self

CHUNK_BYTES = 8 * 1024
BURST_S = 0.1
QUEUED_MAX_BYTES = 256 * 1024
CONNECT_DEADLINE_S = 10.0
CALL_DEADLINE_S = 10.0
CONNECT_HEADER_MAX_BYTES = 4 * 1024

Mode = Literal["up", "cut", "black_hole"]
Address = tuple[str, int]


@dataclass(frozen=True)
class Conditions:
    """delay_ms: one way. up/down_bytes_per_s: 0 is unlimited; up is from the station."""

    mode: Mode = "up"
    delay_ms: int = 0
    up_bytes_per_s: int = 0
    down_bytes_per_s: int = 0


class Counted(NamedTuple):
    """Since the link was made. up: from the station."""

    up_bytes: int
    down_bytes: int
    connections: int
    refused: int


class _Bucket:
    """Tokens of one direction; `take` says how long to wait before passing on."""

    def __init__(self) -> None:
        self._free_at = 0.0

    def take(self, size: int, bytes_per_s: int, now: float) -> float:
        if bytes_per_s <= 0:
            self._free_at = now
            return 0.0
        begin = max(self._free_at, now - BURST_S)
        self._free_at = begin + size / bytes_per_s
        return max(0.0, self._free_at - now)


class _Pipe:
    """One direction of one connection: reads, waits its delay and its turn, writes."""

    def __init__(
        self,
        link: Link,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        upwards: bool,
    ) -> None:
        self._link = link
        self._reader = reader
        self._writer = writer
        self._upwards = upwards
        self._queue: deque[tuple[float, bytes]] = deque()
        self._queued_bytes = 0
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._ended = False

    async def run(self) -> None:
        read = asyncio.create_task(self._read())
        try:
            await self._write()
        finally:
            read.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await read

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while chunk := await self._reader.read(CHUNK_BYTES):
                self._queue.append((loop.time(), chunk))
                self._queued_bytes += len(chunk)
                self._changed.set()
                while self._queued_bytes > QUEUED_MAX_BYTES:
                    self._room.clear()
                    await self._room.wait()
        except OSError:
            pass
        self._ended = True
        self._changed.set()

    async def _write(self) -> None:
        while True:
            while not self._queue:
                if self._ended:
                    with contextlib.suppress(OSError):
                        self._writer.write_eof()
                    return
                self._changed.clear()
                await self._changed.wait()
            arrived, chunk = self._queue[0]
            await self._link.pass_on(arrived, len(chunk), upwards=self._upwards)
            self._queue.popleft()
            self._queued_bytes -= len(chunk)
            self._room.set()
            self._link.count(len(chunk), upwards=self._upwards)
            self._writer.write(chunk)
            await self._writer.drain()


class Link:
    """One station's link. Made by `LinkSimulator.link`; all methods may be called from anywhere."""

    def __init__(self, simulator: LinkSimulator, name: str, targets: Mapping[str, Address]) -> None:
        self.name = name
        self._simulator = simulator
        self._targets = dict(targets)
        self._conditions = Conditions()
        self._up = _Bucket()
        self._down = _Bucket()
        self._up_bytes = 0
        self._down_bytes = 0
        self._connections = 0
        self._refused = 0
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.Task[None]] = set()
        self._improved = asyncio.Event()
        self._ports: dict[str, int] = {}

    # --- for the outside -----------------------------------------------------------------

    @property
    def ports(self) -> Mapping[str, int]:
        """Target name → local port. "proxy" is the HTTP CONNECT port."""
        return dict(self._ports)

    def port(self, target: str) -> int:
        return self._ports[target]

    @property
    def https_proxy(self) -> str:
        """For `https_proxy=`; reaches the targets of this link and nothing else."""
        return f"http://127.0.0.1:{self._ports['proxy']}"

    @property
    def conditions(self) -> Conditions:
        return self._conditions

    @property
    def counted(self) -> Counted:
        return Counted(self._up_bytes, self._down_bytes, self._connections, self._refused)

    def set(
        self,
        *,
        mode: Mode | None = None,
        delay_ms: int | None = None,
        up_bytes_per_s: int | None = None,
        down_bytes_per_s: int | None = None,
    ) -> None:
        """Change what is given, at once, also for standing connections."""
        given = {
            "mode": mode,
            "delay_ms": delay_ms,
            "up_bytes_per_s": up_bytes_per_s,
            "down_bytes_per_s": down_bytes_per_s,
        }
        changed = {key: value for key, value in given.items() if value is not None}
        self._simulator.call(self._apply(replace(self._conditions, **changed)))  # type: ignore[arg-type]

    def cut(self) -> None:
        """No signal: standing connections drop, new ones are refused."""
        self.set(mode="cut")

    def black_hole(self) -> None:
        """Packets vanish: connections stand or come up, nothing passes."""
        self.set(mode="black_hole")

    def restore(self) -> None:
        self.set(mode="up")

    def drop(self) -> None:
        """Drop standing connections once; new ones are welcome."""
        self._simulator.call(self._drop())

    # --- on the loop ---------------------------------------------------------------------

    async def open(self) -> None:
        """Listen; the second time on the same ports."""
        for name, target in (*self._targets.items(), ("proxy", None)):
            self._ports[name] = await self._listen(target, self._ports.get(name, 0))

    async def close(self) -> None:
        """Refuse new connections and drop the standing ones."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        await self._drop()

    async def pass_on(self, arrived: float, size: int, *, upwards: bool) -> None:
        """Return when the chunk may leave: after its delay, its turn, and no black hole."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, arrived + self._conditions.delay_ms / 1000 - loop.time()))
        while self._conditions.mode == "black_hole":
            self._improved.clear()
            await self._improved.wait()
        bucket = self._up if upwards else self._down
        now = self._conditions
        rate = now.up_bytes_per_s if upwards else now.down_bytes_per_s
        wait_s = bucket.take(size, rate, loop.time())
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    def count(self, size: int, *, upwards: bool) -> None:
        if upwards:
            self._up_bytes += size
        else:
            self._down_bytes += size

    async def _apply(self, conditions: Conditions) -> None:
        self._conditions = conditions
        self._improved.set()
        if conditions.mode == "cut":
            await self.close()
        elif not self._servers:
            await self.open()

    async def _drop(self) -> None:
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _listen(self, target: Address | None, port: int) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is None:
                return
            self._open.add(task)
            try:
                await self._serve(reader, writer, target)
            except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError):
                self._refused += 1
            except asyncio.CancelledError:
                pass
            finally:
                self._open.discard(task)
                _abort(writer)

        server = await asyncio.start_server(serve, "127.0.0.1", port, reuse_address=True)
        self._servers.append(server)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: Address | None
    ) -> None:
        while self._conditions.mode == "black_hole":
            self._improved.clear()
            await self._improved.wait()
        if target is None:
            target = await self._asked_target(reader, writer)
        async with asyncio.timeout(CONNECT_DEADLINE_S):
            far_reader, far_writer = await asyncio.open_connection(*target)
        self._connections += 1
        for one in (writer, far_writer):
            one.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        up = _Pipe(self, reader, far_writer, upwards=True)
        down = _Pipe(self, far_reader, writer, upwards=False)
        try:
            await _both(up, down)
        finally:
            _abort(far_writer)

    async def _asked_target(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Address:
        """CONNECT host:port, for one of this link's targets only. Raises ValueError."""
        async with asyncio.timeout(CONNECT_DEADLINE_S):
            header = await reader.readuntil(b"\r\n\r\n")
        if len(header) > CONNECT_HEADER_MAX_BYTES:
            raise ValueError("header")
        method, _, rest = header.decode("latin-1").partition(" ")
        host, _, port = rest.split(" ", 1)[0].rpartition(":")
        address = (host, int(port))
        if method != "CONNECT" or address not in self._targets.values():
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            raise ValueError("target")
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return address


async def _both(up: _Pipe, down: _Pipe) -> None:
    """Until both directions have ended; an error in one ends the other."""
    tasks = [asyncio.create_task(up.run()), asyncio.create_task(down.run())]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close without lingering; what is queued has been passed on or is lost, as on the air."""
    transport = writer.transport
    if writer.is_closing():
        transport.abort()
        return
    if transport.get_write_buffer_size():
        transport.abort()
    else:
        writer.close()


class LinkSimulator:
    """Every link of a district, on one event loop in one thread.

    `with LinkSimulator() as links: link = links.link("tan-lien", broker=("127.0.0.1", 8883))`
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="links", daemon=True)
        self._links: dict[str, Link] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        for link in self._links.values():
            self.call(link.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def link(self, name: str, **targets: Address) -> Link:
        """A new link with one listening port per target: `link.port("broker")`."""
        link = Link(self, name, targets)
        self.call(link.open())
        self._links[name] = link
        return link

    def __getitem__(self, name: str) -> Link:
        return self._links[name]

    def call(self, work: object) -> None:
        """Run a coroutine on the loop and wait for it. Raises what it raises."""
        if not asyncio.iscoroutine(work):
            raise TypeError("a coroutine is needed")
        asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_DEADLINE_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
