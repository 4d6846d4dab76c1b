"""The district's signing keys: made, kept, verified, used.

Owns: Ed25519 key files and the public list `keyring.json` beside them. Does not decide who may
say what: stations do that from the trust document (`compose.trust`).

Invariants: a set of keys is complete or absent (it is built aside and renamed at the end);
set-up does not finish without a second holder or a backup, and both are read again and proven by
a test signature; there are always two root keys, and the second never lies in the district home.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from agent.contract.documents import Role
from agent.contract.envelope import Envelope, Signature, seal, signed_message
from simulator.source_system.private_files import (
    make_private_folder,
    sync_folder,
    write_secret,
    write_whole,
)
from simulator.source_system.problems import KeyringError

DAY_MS = 86_400_000
# What `cryptography` raises for a PEM file in which any one byte was changed, found by trying
# every value of every byte.
KEY_ERRORS = (ValueError, TypeError, UnsupportedAlgorithm, InternalError)
ROOT_LIFETIME_MS = 730 * DAY_MS
KEY_LIFETIME_MS = 365 * DAY_MS
ROOT_THRESHOLD = 1
"""A pilot starts with one of two; the station's root.json carries it, never one of one."""

SINGLE_ROLES: tuple[Role, ...] = ("schedule", "content", "command", "freshness")
PAIRED_ROLES: tuple[Role, ...] = ("root", "emergency")

Passphrase = Callable[[str], bytes]
"""Asked with the key's name when its file is encrypted."""


class KeyInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody may know of a key. kept: in the district home, or with its holder."""

    name: str
    role: Role
    holder: str
    public: str
    not_after_ms: int
    kept: Literal["home", "holder"]

    @property
    def keyid(self) -> str:
        return keyid_of(bytes.fromhex(self.public))


class _List(msgspec.Struct, frozen=True, kw_only=True):
    v: Literal[1] = 1
    keys: tuple[KeyInfo, ...]


PASSPHRASE_VARIABLE = "DISTRICTCTL_PASSPHRASE"  # noqa: S105 - a name, not a secret


def passphrase_variable(name: str) -> str:
    """Where the passphrase of this key stands; the second holder's has its own."""
    return PASSPHRASE_VARIABLE + ("_2" if name.endswith("-2") else "")


def environment_passphrase() -> Passphrase:
    """For programs nobody sits at: an absent passphrase is an empty, hence a wrong one."""
    return lambda name: os.environ.get(passphrase_variable(name), "").encode()


@dataclass(frozen=True)
class SecondHolder:
    """A second person; their keys are written to `folder` (a USB stick) and taken away."""

    name: str
    folder: Path


@dataclass(frozen=True)
class Backup:
    """One person; every key is copied to `folder`, and the second root key lies only there."""

    folder: Path


@dataclass(frozen=True)
class SigningKey:
    """A private key in memory."""

    keyid: str
    private: Ed25519PrivateKey

    @property
    def public_hex(self) -> str:
        return _raw_public(self.private).hex()

    def sign(self, body: bytes) -> Signature:
        return Signature(self.keyid, self.private.sign(signed_message(body)))


def keyid_of(public: bytes) -> str:
    """First 16 hex digits of the SHA-256 of the raw public key (the contract)."""
    return hashlib.sha256(public).hexdigest()[:16]


def new_key() -> SigningKey:
    private = Ed25519PrivateKey.generate()
    return SigningKey(keyid_of(_raw_public(private)), private)


def verify_signature(public: bytes, signature: bytes, message: bytes) -> bool:
    """`agent.contract.envelope.VerifySignature` over Ed25519."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def signers_of(envelope: Envelope, keys: Sequence[KeyInfo]) -> list[KeyInfo]:
    """Which of `keys` really signed; the keyid is only a hint."""
    found = []
    for key in keys:
        public = bytes.fromhex(key.public)
        if any(
            one.keyid == key.keyid and verify_signature(public, one.signature, envelope.message)
            for one in envelope.signatures
        ):
            found.append(key)
    return found


def sealed(body: bytes, keys: Sequence[SigningKey]) -> bytes:
    return seal(body, tuple(key.sign(body) for key in keys))


def _raw_public(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )


def write_key(path: Path, key: SigningKey, passphrase: bytes | None = None) -> None:
    """PKCS#8 PEM, 0600, encrypted when there is a passphrase."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase)
    pem = key.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    write_secret(path, pem)


def read_key(path: Path, ask: Passphrase | None = None) -> SigningKey:
    """Raises KeyringError for a missing, foreign or locked file, or one others can read."""
    try:
        pem = path.read_bytes()
        if path.stat().st_mode & 0o077:
            raise KeyringError("key_open_rights", path)
    except OSError as error:
        raise KeyringError("key_unreadable", path, error.strerror or "") from error
    password = ask(path.stem) if b"ENCRYPTED" in pem and ask is not None else None
    try:
        private = serialization.load_pem_private_key(pem, password)
    except TypeError:
        raise KeyringError("key_locked", path) from None
    except KEY_ERRORS:
        raise KeyringError("key_broken", path) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyringError("key_broken", path)
    return SigningKey(keyid_of(_raw_public(private)), private)


class Keyring:
    """The keys of one district home; private keys are read only when they sign."""

    def __init__(
        self, folder: Path, keys: Sequence[KeyInfo], ask: Passphrase | None = None
    ) -> None:
        self.folder = folder
        self.keys = tuple(keys)
        self._ask = ask

    @classmethod
    def load(cls, folder: Path, ask: Passphrase | None = None) -> Keyring:
        try:
            raw = (folder / "keyring.json").read_bytes()
            return cls(folder, msgspec.json.decode(raw, type=_List).keys, ask)
        except FileNotFoundError:
            raise KeyringError("keys_missing", folder) from None
        except msgspec.DecodeError as error:
            raise KeyringError("home_wrong", folder / "keyring.json", error) from error

    def of_role(self, role: Role) -> tuple[KeyInfo, ...]:
        return tuple(key for key in self.keys if key.role == role)

    def by_keyid(self, keyid: str) -> KeyInfo | None:
        return next((key for key in self.keys if key.keyid == keyid), None)

    def signing(self, role: Role) -> SigningKey:
        """The key of `role` that lies in this home."""
        for info in self.of_role(role):
            if info.kept == "home":
                key = read_key(self.folder / f"{info.name}.key", self._ask)
                if key.public_hex != info.public:
                    raise KeyringError("key_foreign", self.folder / f"{info.name}.key")
                return key
        raise KeyringError("key_role_missing", self.folder, role)

    def cosigner(self, role: Role, path: Path) -> SigningKey:
        """A second holder's key from `path`; it must be a listed key of `role`."""
        key = read_key(path, self._ask)
        if key.public_hex not in {info.public for info in self.of_role(role)}:
            raise KeyringError("key_foreign", path, role)
        return key


@dataclass(frozen=True)
class _Made:
    info: KeyInfo
    key: SigningKey


def create_keyring(
    folder: Path,
    *,
    holder: str,
    second: SecondHolder | Backup,
    now_ms: int,
    passphrase: bytes | None = None,
) -> Keyring:
    """Make every key, give the second holder theirs or fill the backup, prove it, then finish.

    Raises KeyringError (and leaves no keys behind) when the other folder cannot be written and
    read again, or is the district home itself.
    """
    if folder.exists():
        raise KeyringError("keys_exist", folder)
    _refuse_same_place(folder, second.folder)
    made = _make_keys(holder, second, now_ms)
    staging = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(staging, ignore_errors=True)
    make_private_folder(staging)
    try:
        for one in made:
            if one.info.kept == "home":
                write_key(staging / f"{one.info.name}.key", one.key, passphrase)
        infos = tuple(one.info for one in made)
        listing = msgspec.json.format(msgspec.json.encode(_List(keys=infos)), indent=2)
        write_whole(staging / "keyring.json", listing)
        _hand_over(made, second, passphrase, listing)
        staging.rename(folder)
    except OSError as error:
        raise KeyringError("keys_not_made", folder, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    sync_folder(folder.parent)
    return Keyring(folder, infos, None if passphrase is None else lambda _name: passphrase)


def _refuse_same_place(folder: Path, other: Path) -> None:
    home = folder.parent.resolve()
    if other.resolve() == home or home in other.resolve().parents:
        raise KeyringError("keys_same_place", other)


def _make_keys(holder: str, second: SecondHolder | Backup, now_ms: int) -> list[_Made]:
    other = second.name if isinstance(second, SecondHolder) else f"{holder} (backup)"
    made = []
    for role in PAIRED_ROLES:
        made.append(_make(f"{role}-1", role, holder, "home", now_ms))
        made.append(_make(f"{role}-2", role, other, "holder", now_ms))
    made += [_make(role, role, holder, "home", now_ms) for role in SINGLE_ROLES]
    return made


def _make(
    name: str, role: Role, holder: str, kept: Literal["home", "holder"], now_ms: int
) -> _Made:
    key = new_key()
    lifetime_ms = ROOT_LIFETIME_MS if role == "root" else KEY_LIFETIME_MS
    info = KeyInfo(
        name=name,
        role=role,
        holder=holder,
        public=key.public_hex,
        not_after_ms=now_ms + lifetime_ms,
        kept=kept,
    )
    return _Made(info, key)


def _hand_over(
    made: Sequence[_Made], second: SecondHolder | Backup, passphrase: bytes | None, listing: bytes
) -> None:
    """Write the other place's keys there, read them again and prove each by a signature."""
    make_private_folder(second.folder)
    everything = isinstance(second, Backup)
    theirs = [one for one in made if everything or one.info.kept == "holder"]
    for one in theirs:
        write_key(second.folder / f"{one.info.name}.key", one.key, passphrase)
    write_whole(second.folder / "keyring.json", listing)
    for one in theirs:
        prove_key(second.folder / f"{one.info.name}.key", one.info, passphrase)


def prove_key(path: Path, info: KeyInfo, passphrase: bytes | None = None) -> None:
    """Read the file again and let it sign; raises KeyringError unless it is `info`'s key."""
    key = read_key(path, None if passphrase is None else lambda _name: passphrase)
    message = signed_message(b"proof of " + info.name.encode())
    if not verify_signature(bytes.fromhex(info.public), key.private.sign(message), message):
        raise KeyringError("key_unproven", path, info.name)
