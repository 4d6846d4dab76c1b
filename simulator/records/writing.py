"""Numbers, chains and stores the records of a station, as its agent and the collector would.

Owns sequence numbers, the hash chain with signed checkpoints, late and double delivery, records
that are lost for good, and when the collector heard the station. Storage is the collector's own
journal, so a duplicate is refused by the real thing.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agent.contract.chain import BEGIN, chained, words_of
from agent.contract.details import ControllerDetails, Details, IdentityDetails, ZoneDetails
from agent.contract.reports import Body, Checkpoint, Event, Health, State
from simulator.records.life import Told
from simulator.records.mishaps import DAY_MS, MIN_MS, Fate
from simulator.records.place import Station, amplifier
from simulator.source_system.journal import Journal
from simulator.source_system.report.presence import Span, merged, without

STREAM = "main"
CHECKPOINT_EVERY = 500
BEAT_EVERY_MS = 15 * MIN_MS
"""Sparser than real ones: the collector keeps spans, and these make the same."""

BATCH = 5_000
NOT_YET_KNOWN = (
    "rule",
    "broke",
    "approved_by",
    "approval",
    "document_number",
    "field",
    "language",
    "languages_missing",
    "about",
)
"""What an as-run record of older software does not have."""


class Writer:
    """One station's stream into the journal."""

    def __init__(self, journal: Journal, station: Station, fate: Fate, rng: Random) -> None:
        self._journal = journal
        self._station = station
        self._fate = fate
        self._rng = rng
        self._key = Ed25519PrivateKey.from_private_bytes(rng.randbytes(32))
        self._cards = 0
        self._installations: list[tuple[int, str]] = []
        self._new_card()

    def _new_card(self, at_ms: int = 0) -> None:
        self._cards += 1
        self._installation = f"card-{self._cards}-{self._rng.getrandbits(32):08x}"
        self._installations.append((at_ms, self._installation))
        self._seq = 0
        self._chain = BEGIN

    def write(self, told: list[Told], away: list[Span]) -> None:
        """away: when nothing reached the collector; it comes when that is over."""
        for start in range(0, len(told), BATCH):
            with self._journal.transaction():
                for one in told[start : start + BATCH]:
                    self._one(one, away)
        for gap in self._journal.gaps():
            with self._journal.transaction():
                self._journal.write_off(gap)

    def _one(self, one: Told, away: list[Span]) -> None:
        new_card_ms = self._fate.new_card_ms
        if new_card_ms is not None and self._cards == 1 and one.at_ms >= new_card_ms:
            self._new_card(one.at_ms)
        hidden = next((span for span in away if span.from_ms <= one.at_ms < span.to_ms), None)
        arrived_ms = one.at_ms if hidden is None else hidden.to_ms
        self._record(one.at_ms, one.body, arrived_ms + self._rng.randint(150, 4_000))
        if self._station.chained and self._seq % CHECKPOINT_EVERY == 0:
            self._record(one.at_ms, self._checkpoint(), arrived_ms + 4_000)

    def _checkpoint(self) -> Checkpoint:
        words = words_of(self._station.id, self._installation, STREAM, self._seq, self._chain)
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return Checkpoint(
            through=self._seq,
            chain=self._chain,
            public=public.hex(),
            signature=self._key.sign(words).hex(),
        )

    def _record(self, at_ms: int, body: Body, received_ms: int) -> None:
        self._seq += 1
        event = Event(
            station=self._station.id,
            installation=self._installation,
            stream=STREAM,
            seq=self._seq,
            at_ms=at_ms,
            body=body,
        )
        if self._station.chained:
            raw, self._chain = chained(event, self._chain)
        else:
            raw = _as_older_software(event)
        if self._fate.loses_records and self._seq > 1 and self._rng.random() < 0.0002:
            return
        self._journal.add_event(self._station.id, event, raw, received_ms)
        if self._rng.random() < 0.005:
            self._journal.add_event(self._station.id, event, raw, received_ms + 5_000)

    # --- when it was connected ----------------------------------------------------------

    def presence(self, window: Span, collector_off: list[Span]) -> None:
        """Births, wills, heartbeats and the data counter."""
        begins_ms = window.from_ms + self._fate.idle_days * DAY_MS
        idle = Span(window.from_ms, begins_ms)
        silent = merged([idle, *self._fate.off, *self._fate.unlinked])
        book, used_mib, birth = self._journal.presence, 0.0, 0
        month, before_ms = 0, window.from_ms
        with self._journal.transaction():
            for span in without([window], silent):
                was_off = any(before_ms <= one.to_ms <= span.from_ms for one in self._fate.off)
                birth += was_off or not birth
                before_ms = span.to_ms
                if _heard(collector_off, span.from_ms):
                    online = self._state("online", birth, span.from_ms)
                    book.said(self._station.id, online, span.from_ms)
                    self._journal.add_birth(self._station.id, online, span.from_ms)
                    book.detailed(self._station.id, self._details(span.from_ms), span.from_ms)
                for at_ms in range(span.from_ms, span.to_ms, BEAT_EVERY_MS):
                    if (at_ms - window.from_ms) // (30 * DAY_MS) != month:
                        month = (at_ms - window.from_ms) // (30 * DAY_MS)
                        used_mib = 0.0
                    used_mib += self._station.daily_mib * self._rng.random() * 2 / 96
                    if _heard(collector_off, at_ms):
                        health = Health(t=at_ms, dm=int(used_mib), mn=self._station.box_mains)
                        book.beat(self._station.id, health, at_ms)
                if span.to_ms < window.to_ms and _heard(collector_off, span.to_ms + 3 * MIN_MS):
                    lost_ms = span.to_ms + 3 * MIN_MS
                    book.said(self._station.id, self._state("lost", birth, lost_ms), lost_ms)

    def _details(self, at_ms: int) -> Details:
        """What of them a report reads: which amplifier tells of its mains, and what hangs on it."""
        ready = zip(self._station.zones, self._station.measured, strict=True)
        return Details(
            station=self._station.id,
            installation=self._installed(at_ms),
            at_ms=at_ms,
            identity=IdentityDetails(name=self._station.name, version="invented"),
            zones=tuple(
                ZoneDetails(
                    name=zone,
                    volume=self._station.volume,
                    volume_source="local",
                    controller=amplifier(place),
                )
                for place, zone in enumerate(self._station.zones)
            ),
            controllers=tuple(
                ControllerDetails(
                    name=amplifier(place), state="ready", mains=True if measured else None
                )
                for place, (_, measured) in enumerate(ready)
            ),
        )

    def _installed(self, at_ms: int) -> str:
        """The card in the box at that moment."""
        return next(name for since_ms, name in reversed(self._installations) if since_ms <= at_ms)

    def _state(self, state: str, birth: int, at_ms: int) -> State:
        return State(
            station=self._station.id,
            state=state,  # type: ignore[arg-type]
            birth=birth,
            installation=self._installed(at_ms),
        )


def _heard(collector_off: list[Span], at_ms: int) -> bool:
    return not any(one.from_ms <= at_ms < one.to_ms for one in collector_off)


def _as_older_software(event: Event) -> bytes:
    plain: dict[str, Any] = msgspec.to_builtins(event)
    del plain["chain"]
    if plain["body"]["kind"] == "asrun":
        for name in NOT_YET_KNOWN:
            del plain["body"][name]
    return msgspec.json.encode(plain)
