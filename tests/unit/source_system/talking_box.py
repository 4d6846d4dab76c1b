"""A station that writes records as stations do, and gives them to a journal; for tests."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.contract.chain import BEGIN, chained, words_of
from agent.contract.reports import Audit, Body, Checkpoint, Event, State
from simulator.source_system.journal import Journal

STATION = "tan-lien"
T0 = 1_795_000_000_000
"""18/11/2026 18:06:40 in Vietnam."""

MINUTE = 60_000


@dataclass
class Box:
    """Writes records as a station does; `said` is what it would send."""

    seed: int = 1
    installation: str = "i-1"
    said: list[bytes] = field(default_factory=list)
    chain: str = BEGIN

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(bytes([self.seed]) * 32)

    @property
    def public(self) -> str:
        return self.private.public_key().public_bytes_raw().hex()

    def say(self, body: Body) -> None:
        """A record a minute."""
        self.say_at(T0 + (len(self.said) + 1) * MINUTE, body)

    def say_at(self, at_ms: int, body: Body) -> None:
        seq = len(self.said) + 1
        event = Event(
            station=STATION,
            installation=self.installation,
            stream="main",
            seq=seq,
            at_ms=at_ms,
            body=body,
        )
        raw, self.chain = chained(event, self.chain)
        self.said.append(raw)

    def act(self, *what: str) -> None:
        for one in what:
            self.say(Audit(what=one, by="hoa"))

    def sign(self) -> None:
        self.sign_at(T0 + (len(self.said) + 1) * MINUTE)

    def sign_at(self, at_ms: int) -> None:
        through = len(self.said)
        words = words_of(STATION, self.installation, "main", through, self.chain)
        signature = self.private.sign(words).hex()
        self.say_at(
            at_ms,
            Checkpoint(through=through, chain=self.chain, public=self.public, signature=signature),
        )

    def birth(self) -> State:
        return State(
            station=STATION,
            state="online",
            birth=1,
            installation=self.installation,
            public=self.public,
            last_seq=len(self.said),
        )


def give(journal: Journal, *raws: bytes) -> None:
    for raw in raws:
        with journal.transaction():
            journal.add_event(STATION, msgspec.json.decode(raw, type=Event), raw, T0)


def born(journal: Journal, box: Box) -> None:
    with journal.transaction():
        journal.add_birth(STATION, box.birth(), T0)


def written(box: Box | None = None) -> Box:
    """Ten records; 4 and 8 are checkpoints."""
    box = box or Box()
    for _ in range(2):
        box.act("a", "b", "c")
        box.sign()
    box.act("y", "z")
    return box
