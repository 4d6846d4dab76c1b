"""Which records a report rests on: numbers, gaps, and whether the station's chain holds.

Pure. A range is one stream of one card (installation) of a station: from the first to the last
number with an instant in the window or counted in it. What is missing between them is named, not
guessed. What is missing just before and after them, up to the nearest record that is there, may be
of the window, and is told as that (`edges`), also when nothing at all of the window is there.

The chain is followed over the raw bytes: a record that was changed, taken out, put in or moved does
not follow the one before it. A checkpoint, signed by the station, then vouches for all before it.
This says whether a year of records holds in seconds, without decoding each; what exactly is wrong
with which record is told by `chain_check` (`districtctl records verify`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from agent.contract.chain import BEGIN, fingerprint, follows, stated_link, words_of
from agent.contract.envelope import VerifySignature
from simulator.source_system.report.presence import Span

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


class EdgeGap(NamedTuple):
    """Missing numbers next to the window: some of them, or all, may be of it.

    from_ms, to_ms: of the records before and after; None when there is none.
    """

    from_seq: int
    to_seq: int
    from_ms: int | None
    to_ms: int | None

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
    first number that does not follow the one before it, or lost its link. misplaced: what is
    kept beside a record says something else than the record. changed: counted rows that are not
    what the records say, or records that are not counted, or rows without a record. unchained:
    records without a link, of older software. first_seen: keys that nobody compared."""

    state: ChainState = "not_checked"
    records: int = 0
    unchained: int = 0
    signed_through: int = 0
    broken_at: list[int] = field(default_factory=list)
    bad_signatures: list[int] = field(default_factory=list)
    misplaced: list[int] = field(default_factory=list)
    changed: int = 0
    keys: set[str] = field(default_factory=set)
    unknown_keys: set[str] = field(default_factory=set)
    first_seen: set[str] = field(default_factory=set)

    @property
    def in_doubt(self) -> bool:
        """Something was changed, or was signed by nobody's key."""
        return bool(self.state == "broken" or self.misplaced or self.changed or self.unknown_keys)


@dataclass(slots=True)
class Range:
    """One stream's part of the window. first_seq 0: nothing of it is there, though something is
    missing next to it. lost: written off, no station has them any more.

    undelivered: what the station says it wrote after the last of these, and nobody has; some of it
    may be of the window.
    """

    stream: Stream
    first_seq: int
    last_seq: int
    first_ms: int | None
    last_ms: int | None
    records: int
    gaps: list[Gap]
    span: Span
    edges: list[EdgeGap] = field(default_factory=list)
    neighbours: tuple[int, ...] = ()
    """Numbers of the nearest records outside, before and after."""

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

    @property
    def maybe_missing(self) -> int:
        """Beside those: at most so many."""
        return sum(gap.records for gap in self.edges)


def missing(
    pairs: Iterable[tuple[int, int]], first_seq: int, last_seq: int, times: Mapping[int, int]
) -> tuple[list[Gap], list[EdgeGap]]:
    """Numbers missing within a range, and next to it.

    pairs: neighbours in the order of numbers with something missing between them. times: of the
    records outside of the range and of its first and last.
    """
    gaps, edges = [], []
    for low, high in pairs:
        inside = Gap(max(low + 1, first_seq), min(high - 1, last_seq))
        if first_seq and inside.records > 0:
            gaps.append(inside)
        outside = (
            [(low + 1, min(high, first_seq) - 1), (max(low, last_seq) + 1, high - 1)]
            if first_seq
            else [(low + 1, high - 1)]
        )
        edges += [
            EdgeGap(one, other, times.get(low), times.get(high))
            for one, other in outside
            if one <= other
        ]
    return gaps, edges


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
