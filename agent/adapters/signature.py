"""The signature check the core is given: Ed25519 of the `cryptography` package."""

from __future__ import annotations


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` over `message` is that of the holder of `public`; never raises."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
