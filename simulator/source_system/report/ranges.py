"""Which records a report rests on: numbers, gaps, and whether the station's chain holds.

Pure. A range is one stream of one card (installation) of a station: from the first to the last
number with an instant in the window or counted in it. What is missing between them is named, not
guessed; what came before and after is not spoken of.

The chain is followed over the raw bytes: a record that was changed, taken out, put in or moved does
not follow the one before it. A checkpoint, signed by the station, then vouches for all before it.
This says whether a year of records holds in seconds, without decoding each; what exactly is wrong
with which record is told by `chain_check` (`districtctl records verify`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from agent.contract.chain import BEGIN, fingerprint, follows, stated_link, words_of
from agent.contract.envelope import VerifySignature

ChainState = Literal["signed", "linked", "broken", "none", "not_checked"]
"""signed: unbroken, and a signature vouches for it up to `signed_through`. linked: unbroken, but
nobody has signed it. none: records of software without a chain."""

IsStationKey = Callable[[str, str], bool]
"""(station, public key in hex): whether it was accepted as the station's."""

GAPS_SHOWN = 6


class Gap(NamedTuple):
    """Numbers that are missing, both inside."""

    from_seq: int
    to_seq: int

    @property
    def records(self) -> int:
        return self.to_seq - self.from_seq + 1


class Stream(NamedTuple):
    station: str
    installation: str
    stream: str


RawRecord = tuple[int, str, bytes]
"""(number, kind, bytes) of a stored record; a year of a district has 1.8 million."""


@dataclass(slots=True)
class ChainFound:
    """signed_through: the newest number that a signature vouches for; 0: none. broken_at: the
    first number that does not follow the one before it, or lost its link. unchained: records
    without a link, of older software."""

    state: ChainState = "not_checked"
    records: int = 0
    unchained: int = 0
    signed_through: int = 0
    broken_at: list[int] = field(default_factory=list)
    bad_signatures: list[int] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    unknown_keys: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Range:
    """One stream's part of the window. lost: written off, no station has them any more.

    undelivered: what the station says it wrote after the last of these, and nobody has; some of it
    may be of the window.
    """

    stream: Stream
    first_seq: int
    last_seq: int
    first_ms: int
    last_ms: int
    records: int
    gaps: list[Gap]
    lost: int = 0
    doubled: int = 0
    unread: int = 0
    undelivered: int = 0
    on_arrival: tuple[str, ...] = ()
    """What the collector found wrong when these records came: kinds of `chain_check`."""
    chain: ChainFound = field(default_factory=ChainFound)

    @property
    def missing(self) -> int:
        return sum(gap.records for gap in self.gaps)


class _CheckpointBody(msgspec.Struct):
    through: int
    chain: str
    public: str
    signature: str


class _CheckpointEvent(msgspec.Struct):
    body: _CheckpointBody


_CHECKPOINT = msgspec.json.Decoder(_CheckpointEvent)


def follow(
    stream: Stream,
    rows: Iterable[RawRecord],
    before: str,
    verify: VerifySignature,
    is_key: IsStationKey,
) -> ChainFound:
    """Along the rows. before: the chain of the record before the first, "" when nobody knows."""
    found = ChainFound()
    expected, chain = None, bytes.fromhex(before)
    for seq, kind, raw in rows:
        found.records += 1
        if expected is not None and seq != expected:
            chain = b""
        expected = seq + 1
        stated = stated_link(raw)
        if not stated:
            if found.unchained < found.records - 1:
                found.broken_at.append(seq)
            found.unchained += 1
            chain = chain if chain == _BEGIN else b""
            continue
        if kind == "checkpoint":
            # After a gap the signed chain is what its own record must follow.
            chain = _vouched(stream, seq, raw, chain.hex(), found, verify, is_key) or chain
        if chain and not follows(chain, raw, stated):
            found.broken_at.append(seq)
        chain = stated
    found.state = _state(found)
    return found


_BEGIN = bytes.fromhex(BEGIN)


def _state(found: ChainFound) -> ChainState:
    if found.broken_at or found.bad_signatures:
        return "broken"
    if found.unchained == found.records:
        return "none"
    return "signed" if found.signed_through else "linked"


def _vouched(
    stream: Stream,
    seq: int,
    raw: bytes,
    chain: str,
    found: ChainFound,
    verify: VerifySignature,
    is_key: IsStationKey,
) -> bytes:
    """A checkpoint signs the chain of the record before it: that chain, empty when not proven."""
    try:
        body = _CHECKPOINT.decode(raw).body
        public, signature = bytes.fromhex(body.public), bytes.fromhex(body.signature)
    except (msgspec.DecodeError, ValueError):
        found.bad_signatures.append(seq)
        return b""
    words = words_of(*stream, body.through, body.chain)
    good = body.through == seq - 1 and chain in ("", body.chain)
    if not good or not verify(public, signature, words):
        found.bad_signatures.append(seq)
        return b""
    name = fingerprint(public)
    found.keys.add(name)
    if not is_key(stream.station, body.public):
        found.unknown_keys.add(name)
    else:
        found.signed_through = body.through
    return bytes.fromhex(body.chain)
