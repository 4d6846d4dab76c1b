"""Signatures for the world: the shape of Ed25519, the cost of a hash.

The core is handed its signature check, so here a keyed hash stands in for the curve. Whoever has
no key still cannot sign, which is what the core's rules are about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from agent.contract.documents import AuthorityGrant, GroupMembership, Key, RoleGrant, Trust
from agent.contract.envelope import Signature, seal, signed_message
from agent.core.seal import Signer
from agent.core.trust import RootKeys

AUTHORITY = "nguon"
PROVINCE = "tinh"
FAR_MS = 4_000_000_000_000


@dataclass(frozen=True, slots=True)
class WorldKey:
    name: str

    @property
    def public(self) -> str:
        return hashlib.sha256(f"world key {self.name}".encode()).hexdigest()

    @property
    def keyid(self) -> str:
        return hashlib.sha256(bytes.fromhex(self.public)).hexdigest()[:16]

    def entry(self) -> Key:
        return Key(public=self.public, holder=self.name, not_after_ms=FAR_MS)


def _mac(public: bytes, message: bytes) -> bytes:
    half = hashlib.sha256(public + message).digest()
    return half + hashlib.sha256(half).digest()


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """The check the world's stations are given."""
    return signature == _mac(public, message)


def sign(body: Any, *keys: WorldKey) -> bytes:
    """A message in its envelope, signed by `keys`."""
    raw = msgspec.json.encode(body)
    message = signed_message(raw)
    return seal(
        raw, tuple(Signature(k.keyid, _mac(bytes.fromhex(k.public), message)) for k in keys)
    )


def forge(body: Any, claimed: WorldKey) -> bytes:
    """A message that names `claimed` as its signer and is signed by somebody else."""
    raw = msgspec.json.encode(body)
    mac = _mac(bytes.fromhex(STRANGER.public), signed_message(raw))
    return seal(raw, (Signature(claimed.keyid, mac),))


ROOT = (WorldKey("root one"), WorldKey("root two"))
OFFICE = WorldKey("office")
PROVINCE_OFFICE = WorldKey("province office")
STRANGER = WorldKey("stranger")
ROLES = ("schedule", "content", "emergency", "command", "freshness")


FIRST_KEYS: Mapping[str, tuple[WorldKey, ...]] = {
    AUTHORITY: (OFFICE,),
    PROVINCE: (PROVINCE_OFFICE,),
}
"""Authority → the keys that may speak for it, before any of them changes."""


def signer_of(station: str) -> Signer:
    """The key with which a station of the world signs its records."""
    public = bytes.fromhex(WorldKey(f"station {station}").public)
    return Signer(public, lambda words: _mac(public, words))


def root_keys() -> RootKeys:
    return RootKeys({key.keyid: key.entry() for key in ROOT}, 1)


def trust_of(
    station: str,
    issued_ms: int,
    groups: tuple[tuple[str, str], ...],
    revision: int = 1,
    speakers: Mapping[str, tuple[WorldKey, ...]] = FIRST_KEYS,
) -> Trust:
    """The trust document of a station of the world. groups: (id, authority)."""
    everyone = [key for keys in speakers.values() for key in keys]
    return Trust(
        v=1,
        authority=AUTHORITY,
        audience=f"s/{station}",
        issued_at_ms=issued_ms,
        accept_until_ms=issued_ms + 700 * 86_400_000,
        revision=revision,
        keys={key.keyid: key.entry() for key in (*ROOT, *everyone)},
        root_keyids=tuple(key.keyid for key in ROOT),
        root_threshold=1,
        authorities=(
            AuthorityGrant(id=AUTHORITY, name="Nguồn", rank=30, class_ceiling=1, home=True),
            AuthorityGrant(id=PROVINCE, name="Tỉnh", rank=10, class_ceiling=1),
        ),
        roles=tuple(
            RoleGrant(
                role=role,  # type: ignore[arg-type]
                authority=authority,
                keyids=tuple(key.keyid for key in speakers[authority]),
                free_text_threshold=1,
            )
            for role in ROLES
            for authority in (AUTHORITY, PROVINCE)
        ),
        groups=tuple(GroupMembership(id=one, authority=of) for one, of in groups),
    )
