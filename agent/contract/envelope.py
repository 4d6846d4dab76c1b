"""The signed envelope: DSSE over Ed25519. Bounds and shape here; keys and rights in core.trust.

The bytes that were signed are the bytes that are parsed: `open_envelope` returns them untouched.
"""

from __future__ import annotations

import base64
import binascii
from typing import Protocol

import msgspec

from agent.contract.topics import MESSAGE_MAX_BYTES

PAYLOAD_TYPE = "application/vnd.commune-radio.v1+json"
SIGNATURES_MAX = 10


class VerifySignature(Protocol):
    """(raw public key 32 bytes, signature 64 bytes, message) → whether it is that key's."""

    def __call__(self, public: bytes, signature: bytes, message: bytes) -> bool: ...


class EnvelopeSignature(msgspec.Struct, frozen=True):
    keyid: str
    sig: str


class _Wire(msgspec.Struct, frozen=True):
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
        wire = msgspec.json.decode(raw, type=_Wire)
        if wire.payloadType != PAYLOAD_TYPE:
            raise EnvelopeError("payloadType is not ours")
        if len(wire.signatures) > SIGNATURES_MAX:
            raise EnvelopeError(f"more than {SIGNATURES_MAX} signatures")
        body = base64.b64decode(wire.payload, validate=True)
        signatures = tuple(
            Signature(one.keyid, base64.b64decode(one.sig, validate=True))
            for one in wire.signatures
        )
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error) as error:
        raise EnvelopeError(str(error)) from None
    return Envelope(body, signed_message(body), signatures)


def seal(body: bytes, signatures: tuple[Signature, ...]) -> bytes:
    """The wire form of `body` with its signatures."""
    wire = _Wire(
        PAYLOAD_TYPE,
        base64.b64encode(body).decode(),
        tuple(
            EnvelopeSignature(one.keyid, base64.b64encode(one.signature).decode())
            for one in signatures
        ),
    )
    return msgspec.json.encode(wire)
