"""A stream that is sent to a multicast group, as a sequence of bytes.

Owns the socket: bound to the group's address while the source is wanted, never to the box's own,
so that nothing that is sent to the box itself is let in (docs/decisions/0012). libVLC could open
the group, but joins on one interface, cannot say that nobody sends, and knows no limit.

Invariants: every wait has a deadline; `close` may come from any thread; a datagram is at most
looked at once, and what is no RTP is not taken for it.
"""

from __future__ import annotations

import logging
import socket
import struct
import threading
import time
from pathlib import Path
from typing import NamedTuple

from agent.contract.addresses import Group, group_of, scheme_of, shown
from agent.player.feed import RateLimit
from agent.player.protocol import SourceFault

log = logging.getLogger(__name__)

FIRST_LIMIT_S = 4.0
READ_LIMIT_S = 4.0
_LOOK_S = 0.25
_DATAGRAM_MAX = 65_535
_KEPT_BYTES = 1 << 18
_INTERFACES = Path("/sys/class/net")
_IFF_UP = 0x1
_SYNC_BYTE = 0x47
_LATE = 0x8000  # half of all sequence numbers
TS = "video/mp2t"
BARE = "audio/basic"
"""Bare samples behind the head of an .au file, which tells what they are."""
_ENDLESS = 0xFFFF_FFFF


class _Payload(NamedTuple):
    """kind: what it is. header: so many bytes are none of it. head: goes before the first."""

    kind: str
    header: int = 0
    head: bytes = b""


def _bare(encoding: int, rate_hz: int, channels: int) -> _Payload:
    head = struct.pack("!4s5I", b".snd", 24, _ENDLESS, encoding, rate_hz, channels)
    return _Payload(BARE, head=head)


# RFC 3551's payload types that mean the same everywhere.
_PAYLOADS = {
    0: _bare(1, 8_000, 1),  # G.711 μ-law
    8: _bare(27, 8_000, 1),  # G.711 A-law
    10: _bare(3, 44_100, 2),
    11: _bare(3, 44_100, 1),
    14: _Payload("audio/mpeg", header=4),
    33: _Payload(TS),
}
# Numbers of Linux that Python has no names for.
_IP_PKTINFO = 8
_IP_MULTICAST_ALL = 49
_MCAST_JOIN_SOURCE_GROUP = 46
_NOTES_BYTES = socket.CMSG_SPACE(12)


class MulticastFeed:
    """One group: joined on every interface that is up, since a box does not know which it is,
    and heard on the one where it came first, since two may lead to the same network."""

    playlist = False
    total_bytes: int | None = None

    def __init__(self, url: str, *, max_kbps: int = 0) -> None:
        self.kind = ""
        self.fault: SourceFault | None = None
        self._url = url
        self._rtp = Rtp() if scheme_of(url) == "rtp" else None
        self._rate = RateLimit(max_kbps)
        self._socket: socket.socket | None = None
        self._sender = ""
        self._interface = 0
        self._first = b""
        self._closed = threading.Event()

    def open(self) -> bool:
        """Join, and wait for the first datagram; false with `fault` set when none comes."""
        group = group_of(self._url)
        if group is None:
            return self._refuse("refused", "not a multicast group")
        self._sender = group.sender
        try:
            self._socket = joined(group)
        except PermissionError:
            return self._refuse("refused", "the unit allows no such port: systemd/multicast.conf")
        except OSError as error:
            return self._refuse("refused", error.strerror or str(error))
        self._first = self._receive(FIRST_LIMIT_S)
        if self._closed.is_set():
            return False
        if self.fault is not None:
            return self._refuse(self.fault, "not a payload of a fixed type")
        if not self._first:
            return self._refuse("not_found", "nobody sends")
        if self._rtp is not None:
            self.kind = self._rtp.kind
        elif self._first[0] == _SYNC_BYTE:
            self.kind = TS
        return True

    def read(self, size: int) -> bytes:
        """The next datagram's sound, however long; none at the end."""
        del size  # half a datagram would be lost
        data, self._first = self._first, b""
        if self.fault is not None or self._closed.is_set():
            return b""
        data = data or self._receive(READ_LIMIT_S)
        if self._closed.is_set():
            return b""
        if not data:
            self.fault = "stalled"
        elif self._rate.exceeded(len(data), time.monotonic_ns()):
            self.fault, data = "too_fast", b""
        return data

    def close(self) -> None:
        """Leave the group, from any thread."""
        self._closed.set()
        if self._socket is not None:
            self._socket.close()

    def _receive(self, limit_s: float) -> bytes:
        limit = time.monotonic() + limit_s
        while self._socket is not None and not self._closed.is_set() and time.monotonic() < limit:
            try:
                data, notes, _, sender = self._socket.recvmsg(_DATAGRAM_MAX, _NOTES_BYTES)
            except TimeoutError:
                continue
            except OSError:
                break
            if not self._is_ours(sender[0], notes):
                continue
            if self._rtp is not None:
                data = self._rtp.payload(data)
                if self._rtp.foreign:
                    self.fault = "not_audio"
                    break
            if data:
                return data
        return b""

    def _is_ours(self, sender: str, notes: list[tuple[int, int, bytes]]) -> bool:
        if self._sender and sender != self._sender:
            return False
        came_by = next((struct.unpack_from("=i", data)[0] for _, _, data in notes), 0)
        self._interface = self._interface or came_by
        return self._interface == came_by

    def _refuse(self, fault: SourceFault, why: str) -> bool:
        log.warning("stream_refused fault=%s why=%r url=%s", fault, why, shown(self._url))
        self.fault = fault
        self.close()
        return False


class Rtp:
    """What RTP packets carry, in their order; one that comes late or twice is left out."""

    def __init__(self) -> None:
        self.foreign = False  # a type whose meaning only a session description would tell
        self._known: _Payload | None = None
        self._stream: int | None = None
        self._next = 0

    @property
    def kind(self) -> str:
        """As a media type; "" before its first packet."""
        return self._known.kind if self._known is not None else ""

    def payload(self, packet: bytes) -> bytes:
        """Its sound; nothing of what is no RTP, late, or of another stream than the first."""
        if len(packet) < 12 or packet[0] >> 6 != 2:
            return b""
        number, stream = struct.unpack_from("!H4xI", packet, 2)
        at = 12 + 4 * (packet[0] & 0x0F)
        if packet[0] & 0x10 and len(packet) >= at + 4:
            at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
        end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
        known = _PAYLOADS.get(packet[1] & 0x7F)
        if known is None:
            self.foreign = self.foreign or self._stream is None
            return b""
        if self._stream != stream:  # the first, or the sender was started again
            self._stream, self._next = stream, number
        if (number - self._next) & 0xFFFF >= _LATE or known != (self._known or known):
            return b""
        self._next = (number + 1) & 0xFFFF
        head = b"" if self._known else known.head
        self._known = known
        return head + packet[at + known.header : end]


def joined(group: Group) -> socket.socket:
    """A socket that hears this group and nothing else. Raises OSError."""
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the next try, and a probe
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KEPT_BYTES)
        link.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        link.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        link.bind((group.address, group.port))
        _join(link, group)
        link.settimeout(_LOOK_S)
    except OSError:
        link.close()
        raise
    return link


def _join(link: socket.socket, group: Group) -> None:
    """Wherever it can be joined; raises what the last one said when it is nowhere."""
    failed, well = OSError("no interface is up"), False
    for number in interfaces():
        try:
            _join_on(link, group, number)
            well = True
        except OSError as error:
            failed = error
    if not well:
        raise failed


def _join_on(link: socket.socket, group: Group, number: int) -> None:
    if group.sender:
        both = (_socket_address(group.address), _socket_address(group.sender))
        wanted = struct.pack("@I0l128s128s", number, *both)
        link.setsockopt(socket.IPPROTO_IP, _MCAST_JOIN_SOURCE_GROUP, wanted)
    else:
        wanted = struct.pack("=4s4xi", socket.inet_aton(group.address), number)
        link.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, wanted)


def _socket_address(address: str) -> bytes:
    return struct.pack("=H2x4s", socket.AF_INET, socket.inet_aton(address))


def interfaces() -> list[int]:
    """Those that are up, by their number; from /sys, since the sandbox has no netlink."""
    found = []
    for folder in sorted(_INTERFACES.glob("*")):
        try:
            flags = int((folder / "flags").read_text("ascii"), 16)
            number = int((folder / "ifindex").read_text("ascii"))
        except (OSError, ValueError):
            continue  # it went away, or is a file such as bonding_masters
        if flags & _IFF_UP:
            found.append(number)
    return found
