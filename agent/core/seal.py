"""The seal on the station's records: each is chained to the one before, and now and then signed.

Owns when a checkpoint is due and the marks that survive with each record: its chain, and up to
where somebody signed. The signature is handed in like the check of signatures: Ed25519 is
deterministic, so a key is a pure function to the core, and record, chain and signature stand in
one batch: after a crash the chain ends where the records end. Without a key records are chained
all the same, and the next key signs for them too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.contract.chain import BEGIN, chained, fingerprint, grouped, is_chain, words_of
from agent.contract.reports import Checkpoint, Event
from agent.core.facts import Facts

CHECKPOINT_RECORDS = 100
CHECKPOINT_MS = 86_400_000
"""A checkpoint after so many records, or with the first record so long after the last one."""


@dataclass(frozen=True, slots=True)
class Signer:
    """The station's own key. public: raw Ed25519, 32 bytes."""

    public: bytes
    sign: Callable[[bytes], bytes]

    @property
    def fingerprint(self) -> str:
        """As people compare it."""
        return grouped(fingerprint(self.public))


@dataclass(frozen=True, slots=True)
class NoSigner:
    """There is no key to sign with, and why."""

    why: str


NO_KEY_GIVEN = NoSigner("no key was given")


class Seal:
    """Chains every record of one stream. The only writer of its marks."""

    def __init__(self, facts: Facts, signer: Signer | NoSigner) -> None:
        self._facts = facts
        self.signer = signer

    @property
    def public(self) -> str:
        """Told in the birth; "" without a key."""
        return self.signer.public.hex() if isinstance(self.signer, Signer) else ""

    def chained(self, event: Event) -> bytes:
        """The bytes of the next record; its chain is remembered in the same batch."""
        before = self._facts.marks.chain
        raw, chain = chained(event, before if is_chain(before) else BEGIN)
        self._facts.mark(chain=chain)
        return raw

    def due(self, last_seq: int, wall_ms: int) -> bool:
        """Whether what was recorded up to `last_seq` should be signed now."""
        marks = self._facts.marks
        rested = not 0 <= wall_ms - marks.signed_ms < CHECKPOINT_MS
        return last_seq - marks.signed_seq >= CHECKPOINT_RECORDS or rested

    def checkpoint(self, station: str, installation: str, stream: str) -> Checkpoint | None:
        """Signs for every record so far; None without a key or when there is nothing new."""
        marks = self._facts.marks
        through = marks.next_seq - 1
        if isinstance(self.signer, NoSigner) or through <= marks.signed_seq or not marks.chain:
            return None
        words = words_of(station, installation, stream, through, marks.chain)
        return Checkpoint(
            through=through,
            chain=marks.chain,
            public=self.public,
            signature=self.signer.sign(words).hex(),
        )

    def signed(self, seq: int, wall_ms: int) -> None:
        """The checkpoint is record `seq`."""
        self._facts.mark(signed_seq=seq, signed_ms=wall_ms)
