"""Which addresses a live source may have, and how an address is told to others.

Pure. What is fetched goes by https, or, where the schedule says that it need not be encrypted, by
one of the other schemes. Of `udp` and `rtp` only multicast is one: anything else would open a port
of the box to whoever finds it.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

SECURE_SCHEMES = ("https",)
# rtsps too: it is encrypted, but nobody looks at the certificate.
INSECURE_SCHEMES = ("http", "rtsp", "rtsps", "rtp", "udp", "srt", "rtmp")
HEARD_SCHEMES = ("https", "http", "rtsp", "rtsps", "rtp", "udp")
"""From which sound was heard; a station takes the others too, if its libVLC does."""
RTSP_SCHEMES = ("rtsp", "rtsps")
MULTICAST_SCHEMES = ("udp", "rtp")
PORT_LEAST = 1_024
"""Below it a port would need a privilege that no station has."""

AddressFault = Literal[
    "no_address",  # no scheme, no host, or characters that none has
    "scheme",  # one that no station fetches
    "not_multicast",  # udp and rtp of an address that is no group, or of no port
]

_GROUP_LEAST = IPv4Address("224.0.1.0")  # below it are the groups by which routers talk
_LOGIN = re.compile(r"(?<=//)[^/\s]*@")
_ASKED = re.compile(r"(://[^\s?]*)\?\S*")


class Group(NamedTuple):
    """A multicast group. sender: the only one that is listened to; "" for any."""

    address: str
    port: int
    sender: str = ""


def fault_of(url: str) -> AddressFault | None:
    """Why no live source has this address, or None."""
    if any(letter <= " " or letter == "\x7f" for letter in url):
        return "no_address"
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "no_address"
    if "://" not in url:
        return "no_address"
    if parts.scheme not in (*SECURE_SCHEMES, *INSECURE_SCHEMES):
        return "scheme"
    if parts.scheme in MULTICAST_SCHEMES:
        return "not_multicast" if group_of(url) is None else None
    return None if host else "no_address"


def scheme_of(url: str) -> str:
    """In small letters; "" of what has none."""
    return url.partition("://")[0].lower() if "://" in url else ""


def group_of(url: str) -> Group | None:
    """Of `udp://[sender]@group:port` (`@` may be left out, `rtp` the same), or None."""
    try:
        parts = urlsplit(url)
        port = parts.port or 0
        address = IPv4Address(parts.hostname or "")
        sender = str(IPv4Address(parts.username)) if parts.username else ""
    except (AddressValueError, ValueError):
        return None
    if parts.scheme not in MULTICAST_SCHEMES or parts.password is not None:
        return None
    if not address.is_multicast or address < _GROUP_LEAST or port < PORT_LEAST:
        return None
    return Group(str(address), port, sender)


def shown(text: str) -> str:
    """An address, or a line with one, without what only its server should see."""
    if text.startswith(MULTICAST_SCHEMES):
        return text
    return _ASKED.sub(r"\1?…", _LOGIN.sub("…@", text))
