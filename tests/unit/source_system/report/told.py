"""Records as stations would tell them, made by hand for tests of reports."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agent.contract.chain import BEGIN, chained, words_of
from agent.contract.reports import (
    AsRun,
    Body,
    Checkpoint,
    Confirmation,
    Event,
    OccurrenceRef,
    Outcome,
    Segment,
)
from simulator.source_system.journal import Journal

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
MIN_MS = 60_000
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
"""A station's own."""


def at(text: str) -> int:
    """`2026-09-30 23:59` on a wall in Vietnam → epoch ms."""
    local = dt.datetime.fromisoformat(text).replace(tzinfo=HANOI)
    return round(local.timestamp() * 1000)


def play(
    start_ms: int,
    *,
    zone: str = "thôn Đông",
    entry: str = "ban-tin",
    outcome: Outcome = "played",
    confirmed: Confirmation = "yes",
    length_ms: int | None = 10 * MIN_MS,
    played_ms: int | None = None,
    level_cdb: int | None = -2_000,
    **more: Any,
) -> AsRun:
    """Played to its end, unless `played_ms` or `outcome` say otherwise."""
    sounded_ms = 0 if outcome == "skipped" else length_ms or 0
    sounded_ms = sounded_ms if played_ms is None else played_ms
    nominal = dt.datetime.fromtimestamp(start_ms / 1000, HANOI).strftime("%Y-%m-%dT%H:%M:%S")
    sound = Segment(
        from_ms=start_ms,
        to_ms=start_ms + sounded_ms,
        position_ms=0,
        bus=0,
        level_cdb=level_cdb,
        confirmed=confirmed,
    )
    body = AsRun(
        occurrence=OccurrenceRef(
            authority="khu-vuc", audience="g/tat-ca", entry=entry, nominal=nominal
        ),
        zone=zone,
        title=more.pop("title", "Bản tin"),
        klass=more.pop("klass", 3),
        planned_start_ms=start_ms,
        planned_duration_ms=length_ms,
        outcome=outcome,
        reason=None,
        confirmed=confirmed if sounded_ms else "unknown",
        segments=(sound,) if sounded_ms else (),
        played_ms=sounded_ms,
        volume=70,
    )
    return msgspec.structs.replace(body, **more)


class Told:
    """A journal that is told things; one stream a station, chained as stations do."""

    def __init__(self, path: Path, *, chain: bool = True) -> None:
        self.path = path
        self.journal = Journal(path)
        self._chain = chain
        self._last: dict[str, tuple[int, str]] = {}

    def tell(self, body: Body, at_ms: int, station: str = "tan-lien", seq: int = 0) -> int:
        """Stores the next record (or one with another number); its number."""
        last, chain = self._last.get(station, (0, BEGIN))
        event = Event(
            station=station,
            installation=f"card-{station}",
            stream="main",
            seq=seq or last + 1,
            at_ms=at_ms,
            body=body,
        )
        raw = msgspec.json.encode(event)
        if self._chain:
            raw, chain = chained(event, chain)
        self._last[station] = (event.seq, chain)
        with self.journal.transaction():
            self.journal.add_event(station, event, raw, at_ms + 500)
        return event.seq

    def sign(self, at_ms: int, key: Ed25519PrivateKey = KEY, station: str = "tan-lien") -> int:
        """A checkpoint over all before it."""
        seq, chain = self._last[station]
        words = words_of(station, f"card-{station}", "main", seq, chain)
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
        body = Checkpoint(through=seq, chain=chain, public=public, signature=key.sign(words).hex())
        return self.tell(body, at_ms, station)

    def plays(self, *bodies: AsRun, station: str = "tan-lien") -> None:
        for body in bodies:
            self.tell(body, body.planned_start_ms + (body.planned_duration_ms or 0) + 1, station)

    def close(self) -> Path:
        self.journal.close()
        return self.path
