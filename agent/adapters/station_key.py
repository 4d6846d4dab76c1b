"""The key with which a station signs its records: made on the box, never sent anywhere.

Owns one file, `station.key` in the state directory (Ed25519, PKCS#8 PEM, 0600). Invariants: it
appears whole or not at all (temporary file, fsync, rename, fsync of the directory); a file that
is there is never replaced, however unreadable it is, because a new key is a new station to those
above, which a person has to want; its private half leaves this module only as a function.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from agent.core.seal import NoSigner, Signer

FILE = "station.key"
SIZE_MAX = 4_096


def station_key(state_dir: Path) -> Signer | NoSigner:
    """The station's key, made at the first call; NoSigner says what is in the way."""
    path = state_dir / FILE
    try:
        pem = _read(path)
        if pem is None:
            pem = _make(path)
    except OSError as error:
        return NoSigner(f"{path}: {error.strerror or error}")
    return _signer(path, pem)


def _read(path: Path) -> bytes | None:
    """None when there is no such file. Rights of others are taken away."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if stat.S_IMODE(status.st_mode) & 0o077:
            os.fchmod(descriptor, 0o600)
        return file.read(SIZE_MAX)


def _make(path: Path) -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    temporary = path.with_name(f".{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()  # left by a power cut; nobody has ever seen this key
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(descriptor)
    temporary.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return pem


def _signer(path: Path, pem: bytes) -> Signer | NoSigner:
    from cryptography.exceptions import InternalError, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        private = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
        return NoSigner(f"{path}: not a readable key")
    if not isinstance(private, Ed25519PrivateKey):
        return NoSigner(f"{path}: not an Ed25519 key")
    public = private.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    return Signer(public, private.sign)
