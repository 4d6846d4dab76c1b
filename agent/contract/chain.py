r"""The hash chain over a station's records, and the words a checkpoint signs. Pure; for both sides.

Which bytes. A chained record is the JSON of an `Event` exactly as published, and it ends in
`,"chain":"<64 hex digits>"}`. Its *content* is these bytes with that ending (76 bytes) replaced by
`}`. Its chain is

    SHA-256( chain of the record before it, 32 raw bytes ‖ content )

and 32 zero bytes stand before the first chained record of an (installation, stream). Nobody has to
write JSON again to check it: the ending is cut off the bytes that came. `"chain":"` cannot stand
inside a JSON text, whose quotes are escaped, so the ending has one meaning.

A chain value stands for every record up to it, their order and their number. Owns no state and no
key; when a checkpoint is due is `agent.core.seal`'s.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

from agent.contract.reports import Checkpoint, Event

BEGIN = "0" * 64
"""What stands before the first chained record."""

ENDING_BYTES = 76
"""What stands behind the content of a chained record."""

_EMPTY = b',"chain":""}'
_ENDING = re.compile(rb',"chain":"([0-9a-f]{64})"\}\Z')
_CHAIN = re.compile(r"[0-9a-f]{64}\Z")


def link(before: str, content: bytes) -> str:
    """The chain of a record with this content after the chain `before`; both hex."""
    return hashlib.sha256(bytes.fromhex(before) + content).hexdigest()


def chained(event: Event, before: str) -> tuple[bytes, str]:
    """The bytes to publish and the chain of this record. `event.chain` does not matter."""
    raw = msgspec.json.encode(msgspec.structs.replace(event, chain=""))
    content = raw[: -len(_EMPTY)] + b"}"
    chain = link(before, content)
    return content[:-1] + f',"chain":"{chain}"}}'.encode(), chain


def parted(raw: bytes) -> tuple[bytes, str]:
    """The content of a record and the chain it states; "" when it is not chained."""
    found = _ENDING.search(raw)
    if found is None:
        return raw, ""
    return raw[: found.start()] + b"}", found[1].decode()


def stated_link(raw: bytes) -> bytes:
    """The chain that a record states, 32 bytes; b"" when it is not chained.

    As `parted`, but for a year of a district: 1.8 million records in seconds. So is `follows`.
    """
    if raw[-ENDING_BYTES:-66] != b',"chain":"' or raw[-2:] != b'"}':
        return b""
    text = raw[-66:-2]
    try:
        stated = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        return b""
    return stated if stated.hex().encode() == text else b""


def follows(before: bytes, raw: bytes, stated: bytes) -> bool:
    """Whether a record that states `stated` comes after the chain `before`. As `link`."""
    found = hashlib.sha256(before)
    found.update(raw[:-ENDING_BYTES])
    found.update(b"}")
    return found.digest() == stated


def is_chain(text: str) -> bool:
    return _CHAIN.match(text) is not None


def words_of(station: str, installation: str, stream: str, through: int, chain: str) -> bytes:
    """What a checkpoint's signature covers."""
    lines = ("commune-radio checkpoint 1", station, installation, stream, str(through), chain)
    return "\n".join(lines).encode()


def signed_words(event: Event, checkpoint: Checkpoint) -> bytes:
    """What the signature of `checkpoint`, which came in `event`, has to cover."""
    return words_of(
        event.station, event.installation, event.stream, checkpoint.through, checkpoint.chain
    )


def fingerprint(public: bytes) -> str:
    """How people compare keys: 16 hex digits, as everywhere in the contract."""
    return hashlib.sha256(public).hexdigest()[:16]


def grouped(text: str) -> str:
    """A fingerprint as it is read aloud: in fours."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))
