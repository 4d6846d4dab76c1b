"""The signed envelope: DSSE over Ed25519. Bounds and shape here; keys and rights in core.trust.

The bytes that were signed are the bytes that are parsed: `open_envelope` returns them untouched.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Protocol

import msgspec

from agent.contract.bounds import plainly
from agent.contract.topics import MESSAGE_MAX_BYTES

PAYLOAD_TYPE = "application/vnd.commune-radio.v1+json"
SIGNATURES_MAX = 10


class VerifySignature(Protocol):
    """(raw public key 32 bytes, signature 64 bytes, message) → whether it is that key's."""

    def __call__(self, public: bytes, signature: bytes, message: bytes) -> bool: ...


class EnvelopeSignature(msgspec.Struct, frozen=True):
    """One signature on the wire, base64."""

    keyid: str
    sig: str


class WireEnvelope(msgspec.Struct, frozen=True):
    """What travels: DSSE's JSON form, everything base64."""

    payloadType: str  # noqa: N815 - DSSE's own name
    payload: str
    signatures: tuple[EnvelopeSignature, ...]


class Signature(msgspec.Struct, frozen=True):
    """keyid is only a hint for finding the key."""

    keyid: str
    signature: bytes


class Envelope(msgspec.Struct, frozen=True):
    """An opened envelope, not yet verified. `message` is what the signatures cover."""

    body: bytes
    message: bytes
    signatures: tuple[Signature, ...]


class EnvelopeError(ValueError):
    """Not an envelope of ours, or beyond its bounds. The text says which bound."""


def signed_message(body: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """DSSE pre-authentication encoding."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)


def open_envelope(raw: bytes) -> Envelope:
    """Raises EnvelopeError; verifies nothing."""
    if len(raw) > MESSAGE_MAX_BYTES:
        raise EnvelopeError(f"{len(raw)} bytes, at most {MESSAGE_MAX_BYTES}")
    try:
        _check_keys(raw)
        wire = msgspec.json.decode(raw, type=WireEnvelope)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EnvelopeError(plainly(str(error))) from None
    except RecursionError:
        raise EnvelopeError("nested too deep") from None
    if wire.payloadType != PAYLOAD_TYPE:
        raise EnvelopeError("payloadType is not ours")
    if len(wire.signatures) > SIGNATURES_MAX:
        raise EnvelopeError(f"more than {SIGNATURES_MAX} signatures")
    body = _from_base64("payload", wire.payload)
    signatures = tuple(
        Signature(one.keyid, _from_base64("sig", one.sig)) for one in wire.signatures
    )
    return Envelope(body, signed_message(body), signatures)


def _check_keys(raw: bytes) -> None:
    """The decoder keeps the last of two equal keys; another reader may keep the first."""
    try:
        json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_no_duplicates,
            parse_int=str,  # a number of any length is nothing to compute here
            parse_float=str,
        )
    except json.JSONDecodeError:
        return  # what it is not, the decoder says


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise EnvelopeError(f"key {key[:60]!r} stands twice")
        found[key] = value
    return found


def _from_base64(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error, and plain ValueError for letters beyond ASCII
        raise EnvelopeError(f"{name} is not base64") from None


def seal(body: bytes, signatures: tuple[Signature, ...]) -> bytes:
    """The wire form of `body` with its signatures."""
    wire = WireEnvelope(
        PAYLOAD_TYPE,
        base64.b64encode(body).decode(),
        tuple(
            EnvelopeSignature(one.keyid, base64.b64encode(one.signature).decode())
            for one in signatures
        ),
    )
    return msgspec.json.encode(wire)
